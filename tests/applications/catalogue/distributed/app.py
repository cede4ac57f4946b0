"""Dask distributed: a scheduler and two workers, with small graphs of tasks."""

from pathlib import Path

from measuring.application import Application, Run


class App(Application):
    title = "Dask distributed, two workers"
    kind = "parallel computing (Tornado)"
    main = "distributed"
    python = "3.12"
    planted = {"worker": r"parts_seen"}
    rate = 8
    warm_up = 250
    holds = 2

    def start(self, run: Run) -> None:
        run.start("python", str(run.state["source"] / "cluster.py"))
        run.wait_for("the first graph", lambda: run.get("/run?number=0").status == 200)
        run.wait_for("two workers", lambda: len(self.workers(run)) == 2)

    def workers(self, run: Run) -> list[int]:
        lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in run.children()}
        return [pid for pid, line in lines.items() if b"spawn_main" in line]

    def work(self, run: Run, number: int) -> None:
        run.get(f"/run?number={number}")

    def processes(self, run: Run) -> dict[int, str]:
        return {run.pid: "main", **dict.fromkeys(self.workers(run), "worker")}
