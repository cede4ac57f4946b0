"""The scheduler, and a page that adds a job. One job in eight fails."""

import collections
import http.server
import os
import time

from apscheduler.schedulers.background import BackgroundScheduler
from visits import PLANTED, Visit

runs_by_day = collections.defaultdict(list)
latest = collections.deque(maxlen=50)


def report(number):
    latest.append([number, list(range(100))])
    if PLANTED:
        runs_by_day["monday" if number % 2 else "tuesday"].append(Visit(number))
    if number % 8 == 7:
        raise RuntimeError(f"report {number} failed")


def tick():
    latest.append("tick")


def slow():
    time.sleep(4)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/run"):
            number = int(self.path.partition("=")[2])
            store = "files" if number % 3 == 0 else "default"
            scheduler.add_job(report, args=[number], jobstore=store, misfire_grace_time=60)
        elif self.path.startswith("/slow"):
            scheduler.add_job(slow)
            time.sleep(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    import jobs  # the stored jobs name their function by its module

    scheduler = jobs.scheduler = BackgroundScheduler()
    scheduler.add_jobstore("sqlalchemy", "files", url=f"sqlite:///{os.environ['HOME']}/jobs.sqlite")
    scheduler.add_job(jobs.tick, "interval", seconds=1)
    scheduler.start()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), jobs.Handler)
    server.serve_forever()
