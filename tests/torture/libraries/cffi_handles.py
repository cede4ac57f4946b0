"""Pointers, arrays, handles, callbacks and buffers of cffi."""
# requires: cffi

import itertools

from captures import look
from cffi import FFI

ffi = FFI()
ffi.cdef(
    """
    typedef struct node { int number; struct node *next; double values[4]; char name[16]; } node;
    typedef int (*compare)(const void *, const void *);
    void qsort(void *, size_t, size_t, compare);
    void *malloc(size_t);
    void free(void *);
    size_t strlen(const char *);
    """
)
library = ffi.dlopen(None)


@ffi.callback("compare")
def compare(one, other):
    return ffi.cast("int *", one)[0] - ffi.cast("int *", other)[0]


numbers = ffi.new("int[]", [3, 1, 2])
library.qsort(numbers, 3, 4, compare)
assert list(numbers) == [1, 2, 3]
nodes = [ffi.new("node *", {"number": number, "name": b"node"}) for number in range(100)]
for one, other in itertools.pairwise(nodes):
    one.next = other
kept = {"kept": [1, 2, 3]}
handles = [ffi.new_handle(kept) for _ in range(20)]
collected = [ffi.gc(library.malloc(1000), library.free) for _ in range(20)]
# Pointers that lead nowhere.
wild = [ffi.cast("node *", address) for address in (0, 8, 0xDEAD_BEE8, 1 << 62, (1 << 64) - 8)]
buffers = [ffi.buffer(one) for one in nodes[:20]] + [ffi.from_buffer(bytearray(100)) for _ in range(20)]
parts = [one.values for one in nodes[:20]] + [one.next for one in nodes[:20]] + [one[0] for one in nodes[:20]]
types = [ffi.typeof("node"), ffi.typeof("node *"), ffi.typeof("compare"), ffi.typeof("int[7]")]
unpacking = iter(numbers)
next(unpacking)
look([numbers, compare, library, *nodes, *handles, *collected, *wild, *buffers, *parts, *types, unpacking])
