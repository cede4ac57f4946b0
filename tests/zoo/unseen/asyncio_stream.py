"""Nobody reads from the stream, and it is fed all the same."""
# leaked: bytearray
# holder: _buffer|reader
import asyncio

loop = asyncio.new_event_loop()


class Peer:
    def __init__(self):
        self.reader = asyncio.StreamReader(limit=2**16, loop=loop)


peers = {"upstream": Peer()}


def step(i):
    peers["upstream"].reader.feed_data(b"event: %d\n" % i * 20)
    loop.run_until_complete(asyncio.sleep(0))
