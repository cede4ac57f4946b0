"""APScheduler: jobs on time and on request, from memory and from SQLite, in ten threads."""

from measuring.application import Application, Run


class App(Application):
    title = "APScheduler, jobs in threads and in SQLite"
    kind = "scheduler"
    main = "apscheduler"
    python = "3.11"
    planted = {"main": r"runs_by_day"}
    rate = 10
    warm_up = 200

    def start(self, run: Run) -> None:
        run.start("python", str(run.state["source"] / "jobs.py"))
        run.wait_for("the first page", lambda: run.get("/").status == 200)

    def work(self, run: Run, number: int) -> None:
        run.get(f"/run?number={number}")
