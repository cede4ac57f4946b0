"""Tasks wait for a semaphore that a crashed one never released."""
# leaked: Task|coroutine|Future|Job
# holder: _waiters|semaphore|limit
# advice: waiters-of-event
import asyncio


class Job:
    def __init__(self, n):
        self.n = n
        self.payload = {"body": "x" * (50 + n % 7)}


class Downloader:
    def __init__(self):
        self.limit = asyncio.Semaphore(2)
        self.done = 0

    async def run(self, job):
        await self.limit.acquire()
        if job.n < 2:
            raise ConnectionError("no route")
        self.done += 1
        self.limit.release()


loop = asyncio.new_event_loop()
downloader = Downloader()


async def submit(i):
    task = asyncio.get_running_loop().create_task(downloader.run(Job(i)))
    task.add_done_callback(lambda t: t.exception())
    await asyncio.sleep(0)


def step(i):
    loop.run_until_complete(submit(i))
