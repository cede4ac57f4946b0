"""One worker that is busy, and work that is queued behind it without end."""
# leaked: _WorkItem|Future|Upload
# holder: _work_queue|executor|uploader
# advice: executor-backlog
import concurrent.futures
import threading

gate = threading.Event()


class Upload:
    def __init__(self, n):
        self.name = "file%d" % n
        self.body = bytes(200)

    def run(self):
        return len(self.body)


class Uploader:
    def __init__(self):
        self.executor = concurrent.futures.ThreadPoolExecutor(1)

    def start(self):
        self.executor.submit(gate.wait)


uploader = Uploader()


def setup():
    uploader.start()
    # So that the process can end: called before the pool's own, which waits for its worker.
    threading._register_atexit(gate.set)


def step(i):
    uploader.executor.submit(Upload(i).run)
