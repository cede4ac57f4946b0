"""All combinations that were seen, as frozensets in a set."""
# leaked: frozenset
# holder: seen|baskets
class Miner:
    def __init__(self):
        self.seen = set()


miner = Miner()


def step(i):
    miner.seen.add(frozenset((i, i + 1, i * 3)))
