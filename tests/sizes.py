"""The memory that an object occupies, as docs/accuracy.md defines it, computed without mem_top, if all of it is resident.

The base is what `sys.getsizeof` answers, so that a wrong base is noticed. What it leaves out is read from the object's
memory, with the structs of CPython's headers.
"""

import collections
import ctypes
import sys
from typing import Any

MINOR = sys.version_info[1]
WORD = 8
HEAP_TYPE, HAVE_GC, MANAGED_DICT, INLINE_VALUES = 1 << 9, 1 << 14, 1 << 4, 1 << 2
# Two words precede an object whose dict or whose weak references the interpreter manages.
PRE_HEADER = (MANAGED_DICT | 1 << 3) if MINOR >= 11 else 0
TYPE_DEALLOC = 48
CACHED_KEYS = {8: 872, 9: 864, 10: 872, 11: 872, 15: 888}.get(MINOR, 880)
CDATA = ctypes.c_int.__mro__[-2]
get_mro = type.__dict__["__mro__"].__get__
get_flags = type.__dict__["__flags__"].__get__
get_basic_size = type.__dict__["__basicsize__"].__get__
get_item_size = type.__dict__["__itemsize__"].__get__


class Plain:
    pass


def word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def byte(address: int) -> int:
    return ctypes.c_uint8.from_address(address).value


def whole_words(number: int) -> int:
    return (number + WORD - 1) // WORD * WORD


def block(size: int) -> int:
    """The size of a block of pymalloc or, beyond 512 bytes, of a chunk of glibc's malloc."""
    if size > 512:
        size += 8
    return (size + 15) // 16 * 16


def is_made_by_a_statement(of: type) -> bool:
    return bool(get_flags(of) & HEAP_TYPE) and word(id(of) + TYPE_DEALLOC) == word(id(Plain) + TYPE_DEALLOC)


def shared_capacity(keys: int) -> int:
    """How many values go with a key table that instances share."""
    return word(keys + 16) + word(keys + 24)


def separate_values(values: int, usual: int) -> int:
    """3.11 and 3.12: the last byte before the values says how many bytes precede them, at least two and one a value."""
    before = byte(values - 1)
    return before + min(max(usual, before - 9), before - 2) * WORD


def inline_values(values: int) -> int:
    """From 3.13 on: the first byte is the number of values."""
    count = byte(values)
    return (count + 1) * WORD + whole_words(count)


def values_of_instance(address: int, of: type) -> int:
    flags = get_flags(of)
    if not is_made_by_a_statement(of):
        return 0
    if MINOR in (11, 12):
        if not flags & MANAGED_DICT:
            return 0
        keys = word(id(of) + CACHED_KEYS)
        usual = shared_capacity(keys) if keys else 0
        if MINOR == 11:
            values = word(address - 32)
        else:
            tagged = word(address - 24)
            values = tagged + 1 if tagged & 1 else 0
        return separate_values(values, usual) if values else 0
    if MINOR >= 13 and flags & INLINE_VALUES:
        return inline_values(address + get_basic_size(of))
    return 0


def values_of_dict(address: int) -> "tuple[int, int]":
    """The bytes of a dict's values that `sys.getsizeof` counts, and those that they take."""
    keys, values = word(address + 32), word(address + 40)
    if not values or MINOR < 11:
        return 0, 0
    count = shared_capacity(keys)
    if MINOR < 13:
        return count * WORD, separate_values(values, count)
    return count * WORD, 0 if byte(values + 2) else inline_values(values)


def native(one: Any) -> int:
    """The native memory of an object that is in no answer of `sys.getsizeof`: of ctypes. An own `b_ptr` lies elsewhere than
    in the object (`CDataObject` in `Modules/_ctypes/ctypes.h`)."""
    if CDATA not in get_mro(type(one)):
        return 0
    address, data = id(one), word(id(one) + 16)
    is_within = address <= data < address + get_basic_size(type(one))
    is_owned = word(address + 24) & 0xFFFFFFFF == 1
    return word(address + 40) if is_owned and not is_within else 0


def occupied(one: Any, size: "int | None" = None) -> int:
    """The memory of an object, of which `sys.getsizeof` says `size`."""
    return native(one) + in_blocks(one, sys.getsizeof(one) if size is None else size)


def in_blocks(one: Any, size: int) -> int:
    """The blocks that the interpreter allocates for an object."""
    address, of = id(one), type(one)
    mro, flags, basic, item = get_mro(of), get_flags(of), get_basic_size(of), get_item_size(of)
    own = basic + 16 * bool(flags & HAVE_GC) + 16 * bool(flags & PRE_HEADER)
    one_more = item if is_made_by_a_statement(of) else 0
    if type in mro:
        if not get_flags(one) & HEAP_TYPE:
            return size
        return block(own + (word(address + 16) + 1) * item) + block(size - own)
    # In the object's own block from 3.13 on, else in another.
    values = values_of_instance(address, of)
    inline, separate = (values, 0) if MINOR >= 13 else (0, block(values))
    if collections.deque in mro:
        free = word(address + 72) if MINOR >= 11 else 0
        return block(own + inline) + ((size - own) // 528 + free) * 544 + separate
    if dict in mro:
        told, taken = values_of_dict(address)
        size += taken - told
        if collections.OrderedDict in mro:
            fast = word(address + 72) * WORD
            nodes = 32 * dict.__len__(one) if word(address + 48) else 0
            return block(own + inline) + block(size - own - fast - nodes) + block(fast) + nodes + separate
    if str in mro and of is not str:
        told = own - basic + get_basic_size(str)
        return block(own + inline) + block(size - told + separate)
    if str in mro:
        return block(size)
    if int in mro:
        return block(size + basic - 24 + one_more + inline) + separate
    if item:
        return block(size + one_more + inline) + separate
    return block(min(own, size) + inline) + block(max(size - own, 0) + separate)
