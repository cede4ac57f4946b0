"""Commits refer to their parent: the branch moves on, and nothing is ever squashed."""
# leaked: Commit|dict
# holder: branches|head|main
class Commit:
    def __init__(self, parent, tree):
        self.parent = parent
        self.tree = tree


branches = {"main": None}


def step(i):
    branches["main"] = Commit(branches["main"], {"file%d" % (i % 7): i})
