"""A server and a client of aiohttp in one process: requests that are not answered, bodies half read, sockets open."""
# requires: aiohttp

import asyncio

import aiohttp
import aiohttp.web
import frozenlist
import multidict
import yarl
from captures import look

PENDING = 15
started = 0


async def never(request):
    global started
    started += 1
    await asyncio.sleep(3600)


async def slowly(request):
    global started
    response = aiohttp.web.StreamResponse(headers={"X-One": "1"})
    await response.prepare(request)
    await response.write(b"first\n")
    started += 1
    await asyncio.sleep(3600)
    return response


async def socket(request):
    global started
    response = aiohttp.web.WebSocketResponse()
    await response.prepare(request)
    await response.send_str("hello")
    started += 1
    await response.receive()
    return response


async def main() -> None:
    application = aiohttp.web.Application()
    application.add_routes([aiohttp.web.get("/never", never), aiohttp.web.post("/slowly", slowly)])
    application.add_routes([aiohttp.web.get("/socket", socket)])
    runner = aiohttp.web.AppRunner(application)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = yarl.URL(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}")
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100))
    pending = [asyncio.ensure_future(session.get(base / "never")) for _ in range(PENDING)]
    responses = [await session.post(base / "slowly", json={"number": number}) for number in range(PENDING)]
    lines = [await response.content.readline() for response in responses]
    reading = [asyncio.ensure_future(response.content.readline()) for response in responses]
    sockets = [await session.ws_connect(base / "socket") for _ in range(PENDING)]
    hello = [await one.receive_str() for one in sockets]
    while started < 3 * PENDING:
        await asyncio.sleep(0.01)
    assert set(lines) == {b"first\n"} and set(hello) == {"hello"}
    tables = [multidict.CIMultiDict([("a", "1"), ("A", "2")]) for _ in range(50)]
    tables += [multidict.CIMultiDictProxy(one) for one in tables] + [one.items() for one in tables]
    walking = [iter(one) for one in tables[:20]]
    for one in walking:
        next(one)
    lists = [frozenlist.FrozenList([1, 2, 3]) for _ in range(20)]
    urls = [base / f"path/{number}?q={number}" for number in range(50)]
    look([runner, session, *pending, *responses, *reading, *sockets, *tables, *walking, *lists, *urls])


asyncio.run(main())
