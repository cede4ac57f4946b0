"""Configuration is re-bound as a copy with one more entry each time."""
# leaked: dict|str|Flag
# holder: FLAGS
class Flag:
    def __init__(self, on):
        self.on = on


FLAGS = {}


def step(i):
    global FLAGS
    FLAGS = {**FLAGS, "flag.%d.enabled" % i: Flag(i % 2 == 0)}
