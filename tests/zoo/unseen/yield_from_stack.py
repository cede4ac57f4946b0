"""Generators that delegate wait in the scheduler's list of those that sleep."""
# leaked: generator|Frame
# holder: sleeping
# advice: generators-not-finished
class Scheduler:
    def __init__(self):
        self.sleeping = []

    def spawn(self, generator):
        next(generator)
        self.sleeping.append(generator)


def read(n):
    buffer = bytearray(100)
    got = yield n
    buffer.extend(got)


def session(n):
    name = "session %d" % n
    yield from read(n)
    return name


scheduler = Scheduler()


def step(i):
    scheduler.spawn(session(i))
