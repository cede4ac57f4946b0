"""A priority queue in which what is not urgent never comes up."""
# leaked: tuple|Task
# holder: queue|backlog
# advice: queue-without-limit
import queue


class Task:
    def __init__(self, n):
        self.n = n


class Worker:
    def __init__(self):
        self.backlog = queue.PriorityQueue()

    def work(self):
        priority, n, task = self.backlog.get()


worker = Worker()


def step(i):
    worker.backlog.put((1, i, Task(i)))
    worker.backlog.put((9, i, Task(i)))
    worker.work()
