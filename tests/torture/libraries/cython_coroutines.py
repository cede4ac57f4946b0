"""What Cython compiles, suspended: generators that delegate, coroutines that await, classes with C fields."""
# requires: cython
# builds: delegating.pyx

import array
import asyncio
import itertools

import delegating
from captures import look


async def main() -> None:
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    tasks = []
    for number in range(20):
        for awaitable in (asyncio.sleep(3600), future, asyncio.shield(future), asyncio.Event().wait()):
            tasks.append(asyncio.ensure_future(delegating.awaiting(awaitable)))
        tasks.append(asyncio.ensure_future(delegating.chain(asyncio.sleep(3600), number)))
        tasks.append(asyncio.ensure_future(delegating.consumed(asyncio.sleep(3600))))
    for _ in range(3):
        await asyncio.sleep(0)
    generators = []
    for number in range(40):
        for items in (itertools.count(1 << 40), iter([1, 2, 3]), (one for one in range(9)), delegating.counted("abc")):
            generators.append(delegating.counted(items))
            generators.append(delegating.nested(items, number % 7))
    for generator in generators[::2]:
        next(generator)
    # One that is exhausted and one that raised leave their fields behind.
    generators.append(delegating.counted([]))
    list(generators[-1])
    unstarted = [delegating.counted([1]), delegating.awaiting(future), delegating.produced(future)]
    nodes = [delegating.Node(number, array.array("d", [1.5] * 9)) for number in range(50)]
    for one, other in itertools.pairwise(nodes):
        one.children.append(other)
    walking = nodes[0].each()
    for _ in range(20):
        next(walking)
    others = [delegating.Free([1]) for _ in range(20)] + [delegating.NoCollector([2]) for _ in range(20)]
    others += [delegating.closure(number) for number in range(20)]
    look([*tasks, *generators, *unstarted, *nodes, walking, *others])


asyncio.run(main())
