"""A node has an array of its neighbours, itself among them. numpy's arrays of objects have no traverse."""
# leaked: Node
# holder: uncollectable cycle through numpy\.ndarray
# requires: numpy
import numpy


class Node:
    def __init__(self, number):
        self.number = number
        self.neighbours = numpy.empty(3, dtype=object)
        self.neighbours[0] = self


def step(i):
    Node(i)
