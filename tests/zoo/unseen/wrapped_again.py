"""A method is wrapped anew at each request: a chain of closures."""
# leaked: function|cell|tuple
# holder: handle
import functools


class View:
    def handle(self, n):
        return n


def traced(function):
    @functools.wraps(function)
    def wrapper(self, n):
        return function(self, n) if n < 0 else n

    return wrapper


def step(i):
    View.handle = traced(View.handle)
    View().handle(i)
