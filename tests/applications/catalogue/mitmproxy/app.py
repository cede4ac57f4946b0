"""mitmdump in front of a small site, with an addon."""

from measuring.application import Application, Run
from measuring.website import Site


class App(Application):
    title = "mitmproxy (mitmdump) as a reverse proxy"
    kind = "proxy"
    main = "mitmproxy"
    python = "3.12"
    planted = {"main": r"seen_flows"}

    def start(self, run: Run) -> None:
        site = run.state["site"] = Site()
        run.start(
            "mitmdump",
            *("--mode", f"reverse:http://127.0.0.1:{site.port}"),
            *("--listen-host", "127.0.0.1", "--listen-port", str(run.port)),
            *("--set", f"confdir={run.folder}", "--set", "flow_detail=0"),
            *("--scripts", str(run.state["source"] / "addon.py")),
        )
        run.wait_for("the first page", lambda: run.get("/").status == 200)

    def work(self, run: Run, number: int) -> None:
        run.get(f"/page/{number}")
