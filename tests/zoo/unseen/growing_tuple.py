"""A tuple that is replaced by a longer one at each step."""
# leaked: tuple|Version
# holder: versions|state
class Version:
    def __init__(self, n):
        self.n = n


class State:
    versions = ()


def step(i):
    State.versions += (Version(i),)
