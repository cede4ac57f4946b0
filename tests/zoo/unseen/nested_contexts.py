"""Each request runs in a copy of the context of the one before, and each sets its own baggage."""
# leaked: dict|Baggage|ContextVar|hamt|Context
# holder: current
# advice: context-variable
import contextvars


class Baggage:
    def __init__(self, n):
        self.items = {"n": n}


current = contextvars.copy_context()


def request(i):
    contextvars.ContextVar("baggage%d" % i).set(Baggage(i))


def step(i):
    global current
    current = current.copy()
    current.run(request, i)
