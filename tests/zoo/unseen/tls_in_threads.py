"""Each worker keeps the connections that it ever opened in its thread-local state."""
# leaked: Connection
# holder: state|local
# advice: thread-local
import queue
import threading


class Connection:
    def __init__(self, n):
        self.n = n
        self.options = {"timeout": n}


class Backend:
    def __init__(self):
        self.state = threading.local()

    def connect(self, n):
        if not hasattr(self.state, "opened"):
            self.state.opened = []
        self.state.opened.append(Connection(n))


backend = Backend()
jobs, done = queue.Queue(), queue.Queue()


def worker():
    while True:
        n = jobs.get()
        backend.connect(n)
        done.put(n)


def setup():
    for _ in range(6):
        threading.Thread(target=worker, daemon=True).start()


def step(i):
    jobs.put(i + 5000)
    done.get()
