"""Work is submitted faster than the pool's one thread does it."""
# leaked: _WorkItem|Future
# holder: pool
# advice: executor-backlog
import threading
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)
busy = threading.Event()
pool.submit(busy.wait)
# At its end the interpreter waits for the pool.
threading._register_atexit(busy.set)


def mail(number):
    return number


def step(i):
    pool.submit(mail, i)
