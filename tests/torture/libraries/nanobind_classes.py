"""Classes of C++ by nanobind, whose objects and functions are of types with layouts of their own."""
# requires: nanobind
# builds: nanobind_bound.cpp

import itertools

import nanobind_bound as bound
from captures import look


class Derived(bound.Node):
    def value(self):
        return 42


nodes = [bound.Node(number) for number in range(100)] + [Derived(number) for number in range(20)]
for one, other in itertools.pairwise(nodes):
    one.next = other
    one.anything = list(range(3))
    one.callback = lambda number: number + 1
nodes[0].children = nodes[1:50]
nodes[0].attribute = {"dynamic": 1}
walking = nodes[0].each()
next(walking)
capsules = [bound.capsule() for _ in range(10)]
unborn = [bound.Node.__new__(bound.Node) for _ in range(5)]
functions = [bound.capsule, bound.Node.value, nodes[0].value, bound.Node.__dict__["next"]]
look([*nodes, walking, *capsules, *unborn, *functions, bound.Node])
