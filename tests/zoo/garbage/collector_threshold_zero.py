"""A threshold of 0 turns the collector off too. Exceptions and their frames refer to each other."""
# garbage: traceback|frame|str|ValueError|dict
# cause: off
import gc


def parse(text):
    failure = None
    try:
        raise ValueError(text)
    except ValueError as error:
        failure = error
    return failure is not None


def setup():
    gc.set_threshold(0)


def step(i):
    parse(f"line {i} " + "l" * 5000)
