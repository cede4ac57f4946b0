"""Buildbot: a master with a worker in the same process; builds are forced through its web interface."""

import shutil
import time

from measuring.application import Application, Run


class App(Application):
    title = "Buildbot, a master with a local worker"
    kind = "continuous integration (Twisted)"
    main = "buildbot"
    python = "3.11"
    planted = {"main": r"finished_steps"}
    rate = 3
    warm_up = 40

    def prepare(self, run: Run) -> None:
        run.call("buildbot", "create-master", "--relocatable", "master")
        shutil.copy(run.state["source"] / "master.cfg", run.folder / "master" / "master.cfg")

    def start(self, run: Run) -> None:
        run.start("buildbot", "start", "--nodaemon", "master")
        run.wait_for("the web interface", lambda: run.get("/api/v2/builders").status == 200)
        self.work(run, 0)

    def work(self, run: Run, number: int) -> None:
        if number % 3 == 0:
            call = {"jsonrpc": "2.0", "id": number, "method": "force", "params": {"builderNames": ["fast"]}}
            run.post_json("/api/v2/forceschedulers/force", call)
        else:
            run.get("/api/v2/builds?limit=10&order=-buildid")

    def hold(self, run: Run) -> None:
        call = {"jsonrpc": "2.0", "id": 1, "method": "force", "params": {"builderNames": ["slow"]}}
        run.post_json("/api/v2/forceschedulers/force", call)
        time.sleep(3)
