"""Scopes are pushed to a ChainMap and popped only on success."""
# leaked: dict|ChainMap
# holder: scopes|interpreter
import collections


class Interpreter:
    def __init__(self):
        self.scopes = collections.ChainMap({})

    def call(self, n):
        self.scopes = self.scopes.new_child({"n": n, "result": None})
        try:
            if n % 10:
                raise RuntimeError("stop")
            self.scopes = self.scopes.parents
        except RuntimeError:
            pass


interpreter = Interpreter()


def step(i):
    interpreter.call(i)
