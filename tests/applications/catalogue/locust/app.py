"""Locust without its web page: five users ask a small site. The site is the clock: a unit of work is a request."""

import time

from measuring.application import Application, Run
from measuring.website import Site


class App(Application):
    title = "Locust, five users"
    kind = "load generator (gevent)"
    main = "locust"
    python = "3.11"
    planted = {"main": r"answers_seen"}
    rate = 10
    warm_up = 150

    def start(self, run: Run) -> None:
        site = run.state["site"] = Site()
        run.start(
            "locust",
            *("--headless", "--users", "5", "--spawn-rate", "5", "--host", f"http://127.0.0.1:{site.port}"),
            *("--locustfile", str(run.state["source"] / "users.py"), "--loglevel", "WARNING"),
        )
        run.wait_for("the first requests", lambda: site.served > 5)

    def work(self, run: Run, number: int) -> None:
        """Opens the site for a moment. While the traffic pauses, the site stays closed and all requests wait."""
        site = run.state["site"]
        site.open.set()
        time.sleep(0.08)
        site.open.clear()

    def hold(self, run: Run) -> None:
        """One task in eight asks for a page that takes three seconds: requests are in progress at any time."""
        time.sleep(3)
