"""A linter keeps the trees of all files that it saw."""
# leaked: Module|ast|dict
# holder: trees
import ast


class Linter:
    def __init__(self):
        self.trees = {}


linter = Linter()


def step(i):
    linter.trees["file%d.py" % i] = ast.parse("a = %d\ndef f(): return a" % i)
