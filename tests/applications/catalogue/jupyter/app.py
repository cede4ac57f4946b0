"""Jupyter: a server with an extension, and a kernel that runs cells."""

import threading
from pathlib import Path

from measuring.application import Application, ApplicationError, Run


class App(Application):
    title = "Jupyter server and a kernel"
    kind = "notebooks"
    main = "jupyter_server"
    python = "3.12"
    planted = {"main": r"recent_visits", "kernel": r"frames_seen"}
    rate = 8
    warm_up = 200

    def prepare(self, run: Run) -> None:
        run.call("python", "-m", "ipykernel", "install", "--sys-prefix")
        for name in ("a", "b", "c"):
            (run.folder / f"{name}.txt").write_text(name * 2000, encoding="utf-8")

    def start(self, run: Run) -> None:
        run.start(
            "jupyter-server",
            f"--ServerApp.port={run.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.allow_root=True",
            "--ServerApp.open_browser=False",
            "--IdentityProvider.token=",
            "--ServerApp.disable_check_xsrf=True",
            "--ServerApp.jpserver_extensions={'visits_extension': True}",
            f"--ServerApp.root_dir={run.folder}",
        )
        run.wait_for("the server", lambda: run.get("/api/status").status == 200)
        kernel = run.post_json("/api/kernels", {"name": "python3"}).json()["id"]
        run.state["kernel"] = kernel
        run.state["client"] = run.helper("client.py", str(run.port), kernel)
        run.state["lock"] = threading.Lock()
        self.ask(run, "import visits; frames_seen = []; rows = list(range(100))")

    def ask(self, run: Run, code: str) -> None:
        client = run.state["client"]
        with run.state["lock"]:
            client.stdin.write(code + "\n")
            client.stdin.flush()
            answer = client.stdout.readline().strip()
        if answer != "ok":
            raise ApplicationError(f"the cell ended with {answer!r}")

    def work(self, run: Run, number: int) -> None:
        run.get("/visits")
        if number % 4 == 0:
            run.get(f"/api/contents/{'abc'[number % 3]}.txt")
            run.get("/api/kernels")
        else:
            planted = f"; frames_seen.append(visits.Visit({number}))" if run.planted else ""
            self.ask(run, f"total = sum(n * {number} for n in rows); print(total){planted}")

    def hold(self, run: Run) -> None:
        run.get("/visits?wait=3")

    def processes(self, run: Run) -> dict[int, str]:
        kernels = [pid for pid in run.children() if b"ipykernel" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return {run.pid: "main", **dict.fromkeys(kernels, "kernel")}
