"""Celery with two worker processes and a broker in the file system."""

import threading

from measuring.application import Application, ApplicationError, Run


class App(Application):
    title = "Celery, two worker processes"
    kind = "task queue"
    main = "celery"
    python = "3.11"
    planted = {"worker": r"receipts"}
    rate = 10
    warm_up = 250
    holds = 2

    def start(self, run: Run) -> None:
        options = ["--concurrency", "2", "--loglevel", "warning", "--without-mingle", "--without-gossip"]
        run.start("celery", "--app", "tasks", "worker", *options)
        run.wait_for("two workers", lambda: len(run.children()) >= 2)
        run.state["client"] = run.helper("client.py")
        run.state["lock"] = threading.Lock()
        self.ask(run, "order 0")

    def ask(self, run: Run, line: str) -> None:
        client = run.state["client"]
        with run.state["lock"]:
            client.stdin.write(line + "\n")
            client.stdin.flush()
            answer = client.stdout.readline().strip()
        if answer != "done":
            raise ApplicationError(f"the client answered {answer!r}")

    def work(self, run: Run, number: int) -> None:
        self.ask(run, f"fail {number}" if number % 10 == 9 else f"order {number}")

    def hold(self, run: Run) -> None:
        self.ask(run, "slow 0")

    def processes(self, run: Run) -> dict[int, str]:
        return {run.pid: "main", **dict.fromkeys(run.children(), "worker")}
