"""A server on uvloop with clients that wait for it, timers, signals and pipes."""
# requires: uvloop

import asyncio
import os

import uvloop
from captures import look


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    for reader, writer in clients:
        writer.write(b"line\n")
        assert await reader.readline() == b"line\n"
    waiting = [asyncio.ensure_future(reader.readline()) for reader, _ in clients]
    datagrams = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0))
    receiving, _ = os.pipe()
    pipe = await loop.connect_read_pipe(asyncio.Protocol, os.fdopen(receiving, "rb"))
    timers = [loop.call_later(3600, print, number) for number in range(50)]
    ready = [loop.call_soon(len, "abc") for _ in range(10)]
    resolving = [loop.run_in_executor(None, asyncio.iscoroutine, 1) for _ in range(3)]
    await asyncio.gather(*resolving)
    sleeping = [asyncio.ensure_future(asyncio.sleep(3600)) for _ in range(20)]
    await asyncio.sleep(0)
    look([server, loop, *waiting, *timers, *ready, *sleeping, *datagrams, *pipe])


loop = uvloop.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(main())
