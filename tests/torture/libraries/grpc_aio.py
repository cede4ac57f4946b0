"""A grpc.aio server and its client in one process, with RPCs of all four kinds that do not end."""
# requires: grpcio

import asyncio

import grpc
from captures import look

PENDING = 20


class Service(grpc.GenericRpcHandler):
    def __init__(self) -> None:
        self.started = 0

    def service(self, details):
        kinds = {
            "/torture/unary": grpc.unary_unary_rpc_method_handler(self.wait),
            "/torture/stream": grpc.unary_stream_rpc_method_handler(self.stream),
            "/torture/collect": grpc.stream_unary_rpc_method_handler(self.collect),
            "/torture/both": grpc.stream_stream_rpc_method_handler(self.both),
        }
        return kinds[details.method]

    async def wait(self, request, context):
        self.started += 1
        await asyncio.sleep(3600)

    async def stream(self, request, context):
        self.started += 1
        yield b"first"
        await asyncio.sleep(3600)

    async def collect(self, requests, context):
        self.started += 1
        async for _ in requests:
            pass
        return b"never"

    async def both(self, requests, context):
        self.started += 1
        async for request in requests:
            yield request


async def requests():
    yield b"one"
    await asyncio.sleep(3600)


async def first(call):
    async for answer in call:
        return answer
    return None


async def main() -> None:
    service = Service()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    calls = []
    for _ in range(PENDING):
        calls.append(channel.unary_unary("/torture/unary")(b"request"))
        calls.append(channel.unary_stream("/torture/stream")(b"request"))
        calls.append(channel.stream_unary("/torture/collect")(requests()))
        calls.append(channel.stream_stream("/torture/both")(requests()))
    waiting = [asyncio.ensure_future(first(call)) for call in calls[1::4]]
    while service.started < len(calls):
        await asyncio.sleep(0.01)
    await asyncio.gather(*waiting)
    look([server, channel, *calls])


asyncio.run(main())
