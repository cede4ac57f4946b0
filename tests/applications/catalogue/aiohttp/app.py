"""An aiohttp service: pages, a stream, and a client of its own that asks it."""

from measuring.application import Application, Run


class App(Application):
    title = "aiohttp service, with a client of its own"
    kind = "asynchronous service"
    main = "aiohttp"
    python = "3.12"
    # The key of the application's state is an object without a name.
    planted = {"main": r"_state\[.*\]\[\*\]|subscribers"}

    def start(self, run: Run) -> None:
        run.start("python", str(run.state["source"] / "service.py"))
        run.wait_for("the first page", lambda: run.get("/").status == 200)

    def work(self, run: Run, number: int) -> None:
        path = ["/", "/stream", "/relay", f"/user/{number}"][number % 4]
        run.get(path)
