"""A thread for each request, with its local state, which ends with it."""
# none: true
import threading

local = threading.local()


def work(n):
    local.rows = [n] * 20
    local.session = {"n": n}


def step(i):
    if i % 4 == 0:
        thread = threading.Thread(target=work, args=(i,))
        thread.start()
        thread.join()
