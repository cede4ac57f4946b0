"""An asyncio service with clients that stay connected, each with a task and a buffer."""

import asyncio

loop = asyncio.new_event_loop()
connections = []


async def serve(reader, writer):
    history = []
    while line := await reader.readline():
        history.append(line.decode())
        writer.write(line.upper())
        await writer.drain()


async def connect(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for line in range(20):
        writer.write(f"line {line} of {number}".ljust(400, ".").encode() + b"\n")
        await reader.readline()
    connections.append((reader, writer))


async def begin():
    return await asyncio.start_server(serve, "127.0.0.1", 0)


server = loop.run_until_complete(begin())


async def work(number):
    port = server.sockets[0].getsockname()[1]
    for client in range(200):
        await connect(port, f"{number}-{client}")


def step(number):
    loop.run_until_complete(work(number))
