# cython: language_level=3
"""Generators, coroutines and classes as Cython makes them."""

cimport cython
from libc.stdlib cimport malloc


def counted(items):
    yield 1
    yield from items


def nested(items, depth):
    local = [depth]
    if depth:
        yield from nested(items, depth - 1)
    else:
        yield from items
    yield local


async def awaiting(awaitable):
    return await awaitable


async def chain(awaitable, depth):
    local = {"depth": depth}
    if depth:
        return await chain(awaitable, depth - 1)
    await awaitable
    return local


async def produced(awaitable):
    yield 1
    await awaitable
    yield 2


async def consumed(awaitable):
    async for item in produced(awaitable):
        pass


def closure(value):
    def inner():
        return value
    return inner


cdef class Node:
    cdef public object value
    cdef public list children
    cdef dict hidden
    cdef long number
    cdef void *memory
    cdef double[:] view

    def __init__(self, value, double[:] view=None):
        self.value = value
        self.children = []
        self.hidden = {"value": value}
        self.number = -1
        self.memory = malloc(100)
        self.view = view

    def each(self):
        for child in self.children:
            yield child
            yield from child.each()


@cython.freelist(8)
cdef class Free:
    cdef public object one

    def __init__(self, one):
        self.one = one


@cython.no_gc
cdef class NoCollector:
    cdef object one

    def __init__(self, one):
        self.one = one


cdef class Named:
    """Its `__sizeof__` is Cython's, and asks Python."""
    cdef public object one

    def __sizeof__(self):
        return 1 << 20
