"""A number that grows: a bit mask of all that was seen."""
# leaked: int
# holder: seen
class Filter:
    def __init__(self):
        self.seen = 1


filter_ = Filter()


def step(i):
    filter_.seen |= 1 << (i * 400)
