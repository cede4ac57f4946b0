"""A task keeps each message in an object that a timer leads to, or a task that waits, or nothing but the module."""
# leaked: Message
# holder: messages
import asyncio


class Message:
    def __init__(self, number):
        self.text = "message %d" % number


class Channel:
    def __init__(self):
        self.messages = []
        self.timer = None

    async def receive(self, number, hold):
        messages = self.messages
        messages.append(Message(number))
        await hold.wait()

    def ping(self):
        pass


loop = asyncio.new_event_loop()
channels = {"main": Channel()}
gate = None
pending = None


async def turn(i):
    global gate, pending
    if pending is not None:
        gate.set()
        await pending
    channel = channels["main"]
    if channel.timer is not None:
        channel.timer.cancel()
    if i // 300 % 2:
        channel.timer = asyncio.get_running_loop().call_later(3600, channel.ping)
    gate = asyncio.Event()
    pending = asyncio.get_running_loop().create_task(channel.receive(i, gate))
    await asyncio.sleep(0)
    if i // 300 % 3 == 0:
        gate.set()
        await pending
        pending = None


def step(i):
    loop.run_until_complete(turn(i))
