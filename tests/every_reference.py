"""One leaf in each kind of place that can hold an object, with no other reference to it."""

from __future__ import annotations

import collections
import contextvars
import csv
import dataclasses
import functools
import io
import itertools
import json.scanner
import queue
import sys
import threading
import time
import types
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any


class Leaf:
    """What is asked for; it holds nothing."""

    __slots__ = ("__weakref__",)

    def __call__(self, *_: object) -> None: ...


class Plain:
    shared = Leaf()
    by_name = {"tea": Leaf()}

    def __init__(self) -> None:
        self.first = Leaf()
        self.rows = [Leaf(), Leaf()]

    def method(self) -> None: ...

    @property
    def computed(self, default: Leaf = Leaf()) -> Leaf:
        return default

    @staticmethod
    def static(default: Leaf = Leaf()) -> Leaf:
        return default

    @classmethod
    def of_class(cls, default: Leaf = Leaf()) -> Leaf:
        return default


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self) -> None:
        self.left, self.right = Leaf(), [Leaf()]


class HalfSlotted(Slotted):
    """Slots of the base, and attributes of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.own = Leaf()


@dataclasses.dataclass
class Point:
    x: Leaf
    y: list[Leaf]


class Dicts(dict): ...


class SlottedDicts(dict):
    __slots__ = ("extra",)


class Lists(list): ...


class Tuples(tuple): ...


class Sets(set): ...


class Ints(int): ...


class Strings(str): ...


class Meta(type):
    registry: dict[str, Any] = {"kinds": Leaf()}


class WithMeta(metaclass=Meta):
    attribute = Leaf()


class Broken(ValueError): ...


def with_attribute(value: Any) -> Any:
    value.attribute = Leaf()
    return value


def with_item(value: Any) -> Any:
    value["name"] = Leaf()
    return value


def raised() -> BaseException:
    def inner() -> None:
        kept = Leaf()
        raise Broken("inner", Leaf())

    try:
        try:
            inner()
        except Broken as cause:
            raise KeyError(Leaf()) from cause
    except KeyError as error:
        return error


def in_context() -> BaseException:
    try:
        try:
            raise Broken(Leaf())
        except Broken:
            raise KeyError("while handling")
    except KeyError as error:
        return error


def noted() -> BaseException:
    error = Broken("with a note")
    error.__notes__ = [Leaf()]  # type: ignore[assignment]
    return error


def generator_function() -> Iterator[None]:
    kept = Leaf()
    captured = Leaf()
    yield
    (lambda: captured)()
    del kept


async def forever() -> None:
    @types.coroutine
    def suspend() -> Iterator[None]:
        yield

    await suspend()


async def coroutine_function() -> None:
    kept = Leaf()
    await forever()
    del kept


async def async_generator_function() -> AsyncIterator[None]:
    kept = Leaf()
    await forever()
    yield
    del kept


def begun(coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
    coroutine.send(None)
    return coroutine


def begun_step(generator: AsyncIterator[None]) -> tuple[Any, Any]:
    step = generator.asend(None)
    step.send(None)
    return generator, step


def closing() -> Callable[[], Any]:
    hidden = Leaf()
    other = [Leaf()]

    def inner() -> Any:
        return hidden, other

    return inner


def defaults(a: Leaf = Leaf(), *, key: Leaf = Leaf()) -> None: ...


def cached(maxsize: int | None) -> Any:
    cache = functools.lru_cache(maxsize=maxsize)(lambda number: Leaf())
    for number in range(5):
        cache(number)
    return cache


def put(made: Any) -> Any:
    for _ in range(3):
        made.put(Leaf())
    return made


def function() -> None: ...


leaf = Leaf()
rows = [Leaf(), Leaf()]
pair = (Leaf(), Leaf())
members = {Leaf()}
frozen = frozenset([Leaf()])
nested = {"tea": [{"cup": (Leaf(),)}]}
plain = Plain()
materialised = Plain()
materialised.__dict__["extra"] = Leaf()
only_a_dict = Plain()
only_a_dict.__dict__ = {"given": Leaf()}
many_attributes = Plain()
for _number in range(100):
    setattr(many_attributes, f"attribute_{_number}", Leaf())
slotted = Slotted()
half_slotted = HalfSlotted()
point = Point(Leaf(), [Leaf()])
dict_subclass = with_item(with_attribute(Dicts()))
slotted_dict = SlottedDicts()
slotted_dict.extra = Leaf()
slotted_dict["name"] = Leaf()
list_subclass = with_attribute(Lists([Leaf()]))
tuple_subclass = with_attribute(Tuples([Leaf()]))
set_subclass = with_attribute(Sets([Leaf()]))
int_subclass = with_attribute(Ints(10**30))
str_subclass = with_attribute(Strings("text"))
error = raised()
error_in_context = in_context()
error_with_note = noted()
generator = generator_function()
next(generator)
coroutine = begun(coroutine_function())
async_generator = begun_step(async_generator_function())
closure = closing()
function.attribute = Leaf()  # type: ignore[attr-defined]
bound = Plain().method
partial = functools.partial(max, Leaf(), key=Leaf())
bounded = cached(10)
unbounded = cached(None)
deque = collections.deque(Leaf() for _ in range(200))
ordered = with_item(collections.OrderedDict())
default_dict = with_item(collections.defaultdict(Leaf()))
counter: collections.Counter[str] = collections.Counter(name=10**30)
chain_map = collections.ChainMap({"name": Leaf()})
simple_queue = put(queue.SimpleQueue())
plain_queue = put(queue.Queue())
local = with_attribute(threading.local())
Named = collections.namedtuple("Named", "first second")
named = Named(Leaf(), [Leaf()])
# Types defined in C that name their members.
csv_reader = csv.reader([])
scanner = json.scanner.make_scanner(
    types.SimpleNamespace(
        strict=True,
        object_hook=Leaf(),
        object_pairs_hook=None,
        array_hook=None,
        parse_float=float,
        parse_int=int,
        parse_constant=float,
    )
)
structseq = time.struct_time([Leaf(), *range(8)])  # type: ignore[list-item]
tees = itertools.tee(Leaf() for _ in range(3))
next(tees[0])
text_buffer = with_attribute(io.StringIO())
byte_buffer = with_attribute(io.BytesIO())
proxy = types.MappingProxyType({"name": Leaf()})
space = types.SimpleNamespace(name=Leaf())
view = {"name": Leaf()}.items()
few = {f"key_{number}": Leaf() for number in range(63)}
many = {f"key_{number}": Leaf() for number in range(64)}
shrunk = {f"key_{number}": Leaf() for number in range(64)}
del shrunk["key_0"]
odd_keys = {
    "two words": Leaf(),
    "sk-live-4242": Leaf(),
    "ann@example.org": Leaf(),
    "Ünïcode": Leaf(),
    "": Leaf(),
    7: Leaf(),
    -(2**40): Leaf(),
    2**70: Leaf(),
    (1, 2): Leaf(),
    None: Leaf(),
    b"bytes": Leaf(),
}
by_leaf = {Leaf(): None}
large_namespace = types.ModuleType("large_namespace")
for _number in range(100):
    setattr(large_namespace, f"name_{_number}", Leaf())
sys.modules["large_namespace"] = large_namespace
# Held by nothing strong but its variable here: the weak holders must be in no path to it.
weakly_held = Leaf()
weak_reference = weakref.ref(weakly_held)
weak_callback = weakref.ref(weakly_held, Leaf())
weak_values = weakref.WeakValueDictionary(only=weakly_held)
weak_keys = weakref.WeakKeyDictionary({weakly_held: Leaf()})
weak_set = weakref.WeakSet([weakly_held])
variable: contextvars.ContextVar[Any] = contextvars.ContextVar("spans")
variable.set(Leaf())


def other_context() -> contextvars.Context:
    context = contextvars.Context()
    for number in range(40):
        context.run(contextvars.ContextVar(f"number_{number}").set, Leaf())
    context.run(variable.set, [Leaf()])
    return context


context = other_context()
token_variable: contextvars.ContextVar[Any] = contextvars.ContextVar("default", default=Leaf())
self_referring: list[Any] = []
self_referring.append(self_referring)
sys.modules["another_name"] = sys.modules[__name__]

# Addresses of what no path from here can name.
elsewhere: dict[str, int] = {}
release = threading.Event()


def waiting(number: int, begun: threading.Event) -> None:
    held = [Leaf()]
    captured = Leaf()
    local.attribute = Leaf()
    elsewhere[f"frame {number}"] = id(held[0])
    elsewhere[f"cell {number}"] = id(captured)
    elsewhere[f"local {number}"] = id(local.attribute)
    begun.set()
    release.wait()
    (lambda: captured)()


def start_threads() -> list[threading.Thread]:
    threads = []
    for number in range(3):
        begun = threading.Event()
        threads.append(threading.Thread(target=waiting, args=(number, begun)))
        threads[-1].start()
        begun.wait()
    return threads


def close() -> None:
    """Ends what would complain at the end."""
    release.set()
    coroutine.close()
    _, step = async_generator
    step.close()
