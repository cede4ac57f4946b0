"""A chain around a chain around a chain: each step wraps the iterator anew."""
# leaked: chain
# holder: source
import itertools

source = iter(())


def step(i):
    global source
    source = itertools.chain(source, [i])
