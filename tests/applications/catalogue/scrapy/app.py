"""Scrapy, on an endless local site. The site is the clock: a unit of work is a moment in which it answers."""

import time

from measuring.application import Application, Run
from measuring.website import Site


class App(Application):
    title = "Scrapy, a crawl without an end"
    kind = "crawler (Twisted)"
    main = "scrapy"
    python = "3.13"
    planted = {"main": r"items_seen"}
    rate = 8
    warm_up = 120

    def start(self, run: Run) -> None:
        site = run.state["site"] = Site()
        run.start("scrapy", "runspider", str(run.state["source"] / "spider.py"), "-a", f"port={site.port}")
        run.wait_for("the first pages", lambda: site.served > 5)

    def work(self, run: Run, number: int) -> None:
        """Opens the site for a moment. While the traffic pauses, the site stays closed and all requests wait."""
        site = run.state["site"]
        site.open.set()
        time.sleep(0.08)
        site.open.clear()

    def hold(self, run: Run) -> None:
        """The site is closed between two units of work anyway: requests are in progress."""
        time.sleep(3)
