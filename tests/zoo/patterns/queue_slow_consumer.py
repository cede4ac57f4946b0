"""Two jobs come in for each one that is done, and the queue has no limit."""
# leaked: Job
# holder: jobs
# advice: queue-without-limit
import queue

jobs = queue.Queue()


class Job:
    def __init__(self, i):
        self.rows = [i] * 20


def step(i):
    jobs.put(Job(i))
    jobs.put(Job(i))
    jobs.get()
