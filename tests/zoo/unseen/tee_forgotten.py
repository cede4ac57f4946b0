"""One branch of itertools.tee is read, the other is only remembered."""
# leaked: _tee_dataobject|tuple|Event|teedataobject
# holder: audit|branch|pipeline
# advice: tee-out-of-step
import itertools


class Event:
    def __init__(self, n):
        self.n = n


def events():
    for n in itertools.count():
        yield Event(n)


class Pipeline:
    def __init__(self):
        self.live, self.audit = itertools.tee(events())


pipeline = Pipeline()


def step(i):
    next(pipeline.live)
