"""Classes of C++ by pybind11: shared, derived from in Python, with two bases, callbacks, iterators, keep_alive."""
# requires: pybind11
# builds: pybind11_bound.cpp

import itertools

import pybind11_bound as bound
from captures import look


class Derived(bound.Node):
    def value(self):
        return 42


class Slotted(bound.Both):
    __slots__ = ("one",)


nodes = [bound.Node(number) for number in range(100)] + [Derived(number) for number in range(20)]
nodes += [bound.Both(number) for number in range(20)] + [Slotted(number) for number in range(20)]
for one, other in itertools.pairwise(nodes):
    one.next = other
    one.anything = [one]
    one.callback = lambda number: number + 1
nodes[0].children = nodes[1:50]
nodes[0].attribute = {"dynamic": 1}
walking = nodes[0].each()
next(walking)
others = [bound.Other() for _ in range(20)]
views = [memoryview(one) for one in others]
capsules = [bound.capsule() for _ in range(10)]
# What __init__ was not called for has no C++ object yet.
unborn = [bound.Node.__new__(bound.Node) for _ in range(5)] + [Derived.__new__(Derived) for _ in range(5)]
look([*nodes, walking, *others, *views, *capsules, *unborn, bound.Order.relaxed, bound.Node])
