"""A task group (or what stands for it) that lives for ever keeps the results of its children."""
# leaked: Task|Result|coroutine
# holder: tasks|_children
# advice: finished-tasks-kept
import asyncio

loop = asyncio.new_event_loop()


class Result:
    def __init__(self, n):
        self.n = n
        self.rows = [n, n + 1]


class Nursery:
    """Never prunes who is done."""

    def __init__(self):
        self._children = []

    def start_soon(self, coroutine):
        self._children.append(asyncio.get_running_loop().create_task(coroutine))


nursery = Nursery()


async def fetch(n):
    await asyncio.sleep(0)
    return Result(n)


async def tick(i):
    nursery.start_soon(fetch(i))
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def step(i):
    loop.run_until_complete(tick(i))
