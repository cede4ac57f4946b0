"""The daemon of mypy: a file changes, and is checked again."""

import json

from measuring.application import Application, ApplicationError, Run

CONFIGURATION = "[mypy]\nplugins = {plugin}\n"


class App(Application):
    title = "dmypy, the daemon of mypy"
    kind = "type checker (mypyc)"
    main = "mypy"
    python = "3.12"
    planted = {"main": r"signatures_seen"}
    rate = 3
    warm_up = 60

    def prepare(self, run: Run) -> None:
        self.write(run, 0)
        plugin = run.state["source"] / "plugin.py"
        (run.folder / "mypy.ini").write_text(CONFIGURATION.format(plugin=plugin), encoding="utf-8")
        (run.folder / "helper.py").write_text("def double(number: int) -> int:\n    return number * 2\n")

    def write(self, run: Run, number: int) -> None:
        functions = "".join(
            f"def f{i}(a: int, b: str) -> dict[str, int]:\n    return {{b: double(a) + {number if i == 0 else i}}}\n\n"
            for i in range(30)
        )
        wrong = f"wrong: str = double({number})\n" if number % 2 else ""
        text = f"from helper import double\n\n{functions}{wrong}"
        (run.folder / "checked.py").write_text(text, encoding="utf-8")

    def start(self, run: Run) -> None:
        status = str(run.folder / "status.json")
        run.state["status"] = status
        run.start("dmypy", "--status-file", status, "daemon", "--", "--config-file", "mypy.ini", "--no-error-summary")
        run.wait_for("the daemon", lambda: json.loads((run.folder / "status.json").read_text())["pid"])
        self.check(run, 0)

    def check(self, run: Run, number: int) -> None:
        self.write(run, number)
        try:
            run.call("dmypy", "--status-file", run.state["status"], "check", "checked.py")
        except ApplicationError as error:
            # Status 1 is that of a file with errors.
            if "with status 1:" not in str(error) or "Incompatible types" not in str(error):
                raise

    def work(self, run: Run, number: int) -> None:
        self.check(run, number + 1)

    def hold(self, run: Run) -> None:
        """A check is in progress whenever the client is not done: the traffic itself sees to that."""
