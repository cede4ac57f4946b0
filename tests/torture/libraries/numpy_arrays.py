"""Arrays of every type, views of them, scalars, iterators on their way, generators; threads that compute."""
# requires: numpy

import numpy
from captures import Traffic, look


class Derived(numpy.ndarray):
    pass


def compute():
    one = numpy.arange(1000.0).reshape(20, 50)
    return (one @ one.T).sum(axis=0), numpy.array([str(number) for number in range(50)], dtype=object).tolist()


def every_type():
    for code in "?bhilqpBHILQPefdgFDGSUVOMm":
        yield numpy.zeros(10, dtype={"S": "S5", "U": "U5", "V": "V5", "M": "M8[s]", "m": "m8[s]"}.get(code, code))


arrays = list(every_type())
views = [one[::2] for one in arrays] + [one.reshape(2, 5) for one in arrays] + [one.view(Derived) for one in arrays]
scalars = [one[0] for one in arrays if one.dtype.char not in "O"]
objects = numpy.empty((20, 30), dtype=object)
objects[:] = [[["item", one, other] for one in range(30)] for other in range(20)]
structured = numpy.zeros(50, dtype=[("name", "U10"), ("any", object), ("nested", [("x", "f8"), ("y", "i4", (3,))])])
structured["any"] = [{"key": number} for number in range(50)]
records = structured.view(numpy.recarray)
empty = [numpy.empty(0), numpy.empty((3, 0, 5)), numpy.array(7.5), numpy.broadcast_to(numpy.arange(3), (1000, 3))]
iterators = [numpy.nditer(arrays[5]), iter(numpy.ndindex(3, 3)), objects.flat, numpy.broadcast(arrays[5], arrays[6])]
for iterator in iterators[1:3]:
    next(iterator)
masked = numpy.ma.masked_array(numpy.arange(10), mask=[0, 1] * 5)
more = [numpy.random.default_rng(1), numpy.random.RandomState(1), numpy.dtype("f8"), structured.dtype, numpy.add]
more += [numpy.vectorize(len), numpy.frompyfunc(len, 1, 1), memoryview(arrays[5]), arrays[5].data, masked, records]
untouched = numpy.empty(1 << 20)
look(
    [*arrays, *views, *(one for one in scalars if type(one).__module__ == "numpy"), objects, structured, *empty, *more],
    traffic=Traffic(compute, compute),
)
