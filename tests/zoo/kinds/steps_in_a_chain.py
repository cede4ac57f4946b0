"""Each step of a pipeline wraps the one before it: a chain is one leak, however long."""
# leaked: Step
# holder: pipeline
# says: Step
# alone: true
class Step:
    def __init__(self, inner, number):
        self.inner, self.name = inner, "step %d" % number
        self.options = {"number": number}


class Pipeline:
    last = None


pipeline = Pipeline()


def step(i):
    pipeline.last = Step(pipeline.last, i)
