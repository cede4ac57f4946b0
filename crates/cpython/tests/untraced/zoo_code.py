"""Functions, caches, generators, frames, exceptions, threads, contexts and tasks."""

# Odd objects need odd code.
# ruff: noqa: B039, SIM115, UP031

import asyncio
import contextvars
import functools
import importlib
import operator
import sys
import threading
import types

from zoo_classes import MyError, Plain, SlotsAndDict, WithMeta, add, keep


def functions():
    captured = [1]

    def inner(a, b=captured, *, c=None):
        """Doc."""
        if c is None:
            c = {}
        return captured, a, b, c

    def unbound():
        return late

    add([inner, unbound, inner.__closure__, lambda: 0, functools.partial(inner, 1, b=2), functools.partial(int)])
    partial = functools.partial(inner)
    partial.attribute = 1
    add(partial)
    inner.attribute = [captured]
    add(
        [keep.append, "".join, len, str.join, dict.fromkeys, Plain(1).__init__, WithMeta.c, types.MethodType(inner, [])]
    )
    add(
        [
            object.__str__,
            (1).__add__,
            type.__dict__["__mro__"],
            types.FunctionType.__dict__["__code__"],
            dict.__dict__["fromkeys"],
        ]
    )
    add([property(inner), staticmethod(inner), classmethod(inner), super(SlotsAndDict, SlotsAndDict())])
    add(
        [
            functools.cmp_to_key(inner)(1),
            functools.partialmethod(inner),
            functools.singledispatch(inner),
            functools.cached_property(inner),
        ]
    )
    add(
        [
            operator.itemgetter(1),
            operator.itemgetter(1, "a"),
            operator.attrgetter("a.b", "c"),
            operator.methodcaller("m", 1, k=[2]),
        ]
    )

    @functools.lru_cache(maxsize=16)
    def bounded(a, b=None):
        return [a]

    @functools.lru_cache(maxsize=None)
    def unbounded(a):
        return [a]

    @functools.lru_cache(maxsize=0)
    def uncached(a):
        return [a]

    for i in range(20):
        bounded(i)
        bounded(i, b="x")
        unbounded("k%d" % i)
        uncached(i)
    add([bounded, unbounded, uncached])
    WithMeta().cached(1)
    instance = WithMeta()
    instance.cached([].__len__)
    add(instance)
    late = None

    def often(x):
        return len(str(x)) + abs(-1)

    # More calls than after which code up to 3.10 gets caches.
    for i in range(3000):
        often(i)
    add(often)


def running():
    def generator(a):
        local = [a]
        try:
            raise ValueError("inside")
        except ValueError:
            yield local
            yield a

    fresh, started, done = generator(1), generator([2]), generator(3)
    next(started)
    list(done)
    add([fresh, started, done, (x for x in [1, 2])])

    def delegating():
        yield from generator("x")

    outer = delegating()
    next(outer)
    add(outer)

    async def coroutine(a):
        await types.coroutine(generator)(a)

    async def asynchronous():
        yield 1

    c = coroutine([1])
    c.send(None)
    add([c, c.__await__(), asynchronous(), asynchronous().__anext__(), coroutine(0)])
    add(sys._getframe())

    def raised():
        rows = ["row"]
        cell = [rows]

        def use():
            return cell

        try:
            try:
                use(1)
            except TypeError as error:
                raise KeyError(rows) from error
        except KeyError as error:
            return error

    add(raised())
    try:
        open("/nowhere/at/all")
    except OSError as error:
        add(error)
    for make in (
        lambda: compile("1 +", "name", "exec"),
        lambda: "\udc80".encode(),
        lambda: b"\xff".decode(),
        lambda: importlib.import_module("no.such.module"),
        lambda: [].nothing,
        lambda: no_such_name,  # noqa: F821
        lambda: MyError(1, "two", "three") and 1 / 0,
        lambda: next(iter([])),
        lambda: sys.exit([3]),
    ):
        try:
            make()
        except BaseException as error:
            add(error)
    add([MyError(1, "two"), StopIteration([1]), StopAsyncIteration(), SystemExit(1), UserWarning("x")])
    if sys.version_info >= (3, 11):
        group = ExceptionGroup("several", [ValueError(1), TypeError(2)])  # noqa: F821
        group.add_note("a note")
        add(group)
    local = threading.local()
    local.value = [1]
    add(
        [
            local,
            threading.Lock(),
            threading.RLock(),
            threading.Condition(),
            threading.Event(),
            threading.current_thread(),
        ]
    )
    event = threading.Event()

    def waits(given):
        other = {"given": given}
        local.value = other
        started_event.set()
        event.wait()
        return other

    started_event = threading.Event()
    thread = threading.Thread(target=waits, args=([1],), daemon=True)
    thread.start()
    started_event.wait()
    add(thread)


variable = contextvars.ContextVar("variable", default=[0])
others = [contextvars.ContextVar("v%d" % i) for i in range(60)]


def contexts():
    token = variable.set([1])
    context = contextvars.copy_context()

    def many():
        for i, other in enumerate(others):
            other.set({"value": i})

    context.run(many)
    add([token, context, contextvars.Context(), iter(context.items()), context.keys()])

    async def sleeps(n):
        local = [n]
        await asyncio.sleep(1000)
        return local

    async def main():
        tasks = [asyncio.ensure_future(sleeps(i)) for i in range(5)]
        future = asyncio.get_running_loop().create_future()
        future.add_done_callback(print)
        future.add_done_callback(keep.append)
        resolved = asyncio.get_running_loop().create_future()
        resolved.set_result([1])
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(ValueError(1))
        failed.exception()
        add([tasks, future, resolved, failed, asyncio.Lock(), asyncio.Queue(), asyncio.Event()])
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    add(loop)
