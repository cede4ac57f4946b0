"""Objects of types that lie: how they are made with `lying_types.c`, filled with words, and captured."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable, Iterator

import lying_types as lying
from captures import look, occupied

WORD = 8
HEAD = 16
SMALL, LARGE = HEAD + 2 * WORD, HEAD + 24 * WORD
KEPT: list[object] = []
"""What is to be in the answers: reachable from a module, as a program's objects are."""
ADDRESSES: dict[str, int] = {}


class Made:
    """An object that was made, how many words of it were written, and what it was then.

    A list of these can be shown, where a repr of the object could not be borne.
    """

    __slots__ = ("before", "count", "one")

    def __init__(self, one: object, count: int) -> None:
        self.one, self.count = one, count
        self.before = self.words()

    def words(self) -> list[int]:
        """The words, after the reference count and the type."""
        return lying.words(self.one, self.count + 2, 0)


def addresses() -> dict[str, int]:
    """Places to point to that are not what one expects."""
    if not ADDRESSES:
        nonsense = bytearray(random.Random(1).randbytes(4096))
        KEPT.append(nonsense)
        ADDRESSES.update(
            edge8=lying.address_before_edge(8),
            edge16=lying.address_before_edge(16),
            edge40=lying.address_before_edge(40),
            unreadable=lying.address_before_edge(0),
            nonsense=lying.address_before_edge(4096),
        )
    return ADDRESSES


def patterns(at: int, count: int) -> dict[str, list[int]]:
    """Words to fill an object at `at` with, by name of the pattern."""
    known = addresses()
    edges = [known["edge8"], known["edge16"], known["edge40"]]
    unmapped = [known["unreadable"], 0x6000_0000_0000, 0xDEAD_0000, 8, known["unreadable"] + 24, 0x7FFF_FFFF_FFFF_F000]
    valid = [
        id(one) for one in ([1, 2], (3, 4), {"a": 1}, {5}, "text", look.__code__, look, sys, list, 2.5, None, random)
    ]
    words = {
        "zeros": [0] * count,
        "small": [1 + index for index in range(count)],
        "ones": [2**64 - 1] * count,
        "huge": [1 << (36 + index % 27) for index in range(count)],
        "misaligned": [at + 1 + index * 3 for index in range(count)],
        "unmapped": [unmapped[index % len(unmapped)] for index in range(count)],
        "edge": [edges[index % len(edges)] for index in range(count)],
        "itself": [at] * count,
        "nonsense": [known["nonsense"] + 16 * index for index in range(count)],
        # Borrowed: no reference is counted, as in a structure of C that has pointers of its own.
        "valid": [valid[index % len(valid)] for index in range(count)],
    }
    pure = list(words.values())
    for seed in range(6):
        choose = random.Random(f"{seed}")
        words[f"mixed{seed}"] = [choose.choice(pure)[choose.randrange(count)] for _ in range(count)]
    return words


def forms(name: bytes) -> dict[str, Callable[[], object]]:
    """Ways to have an object whose type has this name, each a function that makes one; its words are zero."""
    small = lying.static_type(name, SMALL)
    large = lying.static_type(name, LARGE)
    borrowed = lying.static_type(name, LARGE, 0, "borrowed")
    noisy = lying.static_type(name, LARGE, 0, "noisy")
    collected = lying.static_type(name, LARGE, 0, "gc")
    heap = lying.heap_type(name, LARGE)
    noisy_heap = lying.heap_type(name, LARGE, 0, "noisy")
    sized = lying.static_type(name, HEAD + WORD, WORD)
    derived = type("Derived", (large,), {})
    derived_heap = type("DerivedHeap", (heap,), {"__slots__": ("one",)})
    return {
        "small": lambda: lying.new(small),
        "large": lambda: lying.new(large),
        "at-edge": lambda: lying.new_at_edge(small),
        "borrowed-slots": lambda: lying.new(borrowed),
        "noisy": lambda: lying.new(noisy),
        "tracked": lambda: lying.new(collected, 0, True),
        "heap": lambda: lying.new(heap),
        "noisy-heap": lambda: lying.new(noisy_heap),
        "of-items": lambda: lying.new(sized, 23),
        "derived": lambda: lying.new(derived),
        "derived-heap": lambda: lying.new(derived_heap),
    }


def filled(name: str, form: str | None = None, pattern: str | None = None) -> list[Made]:
    """One object of each form and pattern, and how many words of each were written."""
    made = []
    for of, make in forms(name.encode()).items():
        if form not in (None, of):
            continue
        count = 2 if of in ("small", "at-edge") else 24
        for by in patterns(0, count):
            if pattern not in (None, by):
                continue
            one = make()
            words = patterns(id(one), count)[by]
            first = HEAD
            if of == "tracked":
                # The first word is what its traverse visits.
                lying.own(one, [name])
                words, first = words[1:], HEAD + WORD
            elif of == "of-items":
                # The first is their number.
                words, first = words[1:], HEAD + WORD
            lying.fill(one, words, first)
            made.append(Made(one, count))
    return made


def unchanged(objects: list[Made]) -> Callable[[], Iterator[str]]:
    """Looks later whether words and reference counts are what they are now."""
    for made in objects:
        made.before = made.words()

    def problems() -> Iterator[str]:
        for made in objects:
            if made.words() != made.before:
                yield f"an object of {type(made.one).__qualname__} has changed: {made.before[:9]}, now {made.words()[:9]}"

    return problems


def look_at(objects: list[Made], *, collect: bool = True, sized: bool = True, previews: bool = True) -> None:
    if not collect:
        gc.freeze()
    KEPT.append(objects)
    look(
        (made.one for made in objects),
        sizes={id(made.one): occupied(made.one) for made in objects} if sized else None,
        calls=lying.calls,
        problems=unchanged(objects),
        collect=collect,
        previews=previews,
    )


def each_kind_of_type(options: str = "", size: int = LARGE, items: int = 0) -> list[type]:
    static = lying.static_type(b"lying.Static", size, items, options)
    heap = lying.heap_type(b"lying.Heap", size, items, options)
    derived = type("Derived", (lying.static_type(b"lying.Base", size, items, options),), {})
    return [static, heap, derived, type("DerivedHeap", (heap,), {})]
