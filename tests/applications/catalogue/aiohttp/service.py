"""The service. `/relay` asks the service itself, through a session with a pool of connections."""

import asyncio
import os

from aiohttp import ClientSession, ClientTimeout, web
from visits import PLANTED, Visit

PORT = int(os.environ["PORT"])
SUBSCRIBERS = web.AppKey("subscribers", dict)
CLIENT = web.AppKey("client", ClientSession)


@web.middleware
async def count(request, handler):
    if PLANTED:
        visit = Visit(request.path)
        request.app[SUBSCRIBERS].setdefault(len(visit.about), []).append(visit)
    return await handler(request)


async def index(request):
    return web.json_response({"subscribers": len(request.app[SUBSCRIBERS])})


async def user(request):
    return web.json_response({"name": request.match_info["name"]})


async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(10):
        await response.write(f"line {number}\n".encode() * 50)
        await asyncio.sleep(0.002)
    await response.write_eof()
    return response


async def relay(request):
    async with request.app[CLIENT].get(f"http://127.0.0.1:{PORT}/user/relay") as answer:
        return web.json_response(await answer.json())


async def slow(request):
    await asyncio.sleep(4)
    return web.Response(text="done")


async def client(app):
    app[CLIENT] = ClientSession(timeout=ClientTimeout(total=30))
    yield
    await app[CLIENT].close()


def main():
    app = web.Application(middlewares=[count])
    app[SUBSCRIBERS] = {}
    app.cleanup_ctx.append(client)
    app.add_routes(
        [
            web.get("/", index),
            web.get("/user/{name}", user),
            web.get("/stream", stream),
            web.get("/relay", relay),
            web.get("/slow", slow),
        ]
    )
    web.run_app(app, host="127.0.0.1", port=PORT, print=None, access_log=None)


main()
