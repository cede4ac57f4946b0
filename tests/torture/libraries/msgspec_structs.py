"""Structs of msgspec, tracked and not, encoders, decoders, raw messages; threads that convert."""
# requires: msgspec

from typing import Optional

import msgspec
from captures import Traffic, look


class Point(msgspec.Struct):
    x: int
    y: float = 1.5


class Node(msgspec.Struct, tag=True):
    name: str
    points: list[Point] = []
    next: Optional["Node"] = None


class Leaf(msgspec.Struct, tag=True, gc=False, frozen=True):
    text: str


class Weak(msgspec.Struct, weakref=True, dict=True, array_like=True):
    one: int | str = 7


def chain(length: int) -> Node:
    node = None
    for number in range(length):
        node = Node(f"node {number}", [Point(number), Point(1, 2)], node)
    return node


encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Node | Leaf)
text = msgspec.json.encode(chain(20))
reading = msgspec.json.Decoder(Node | Leaf)


def work():
    return reading.decode(text), decoder.decode(encoder.encode(chain(20)))


def wrong():
    try:
        reading.decode(b'{"type":"Node","name":7}')
    except msgspec.ValidationError as error:
        return error
    raise AssertionError


chains = [chain(20) for _ in range(20)]
leaves = [Leaf(f"leaf {number}") for number in range(100)]
weak = [Weak(number) for number in range(50)]
for one in weak[::2]:
    one.attribute = [1]
untracked = [Point(number) for number in range(200)]
more = [encoder, decoder, reading, msgspec.Raw(text), msgspec.UNSET, msgspec.structs.fields(Node), wrong()]
look([*chains, *leaves, *weak, *untracked, *more], traffic=Traffic(work, work))
