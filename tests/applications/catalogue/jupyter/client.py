"""Runs cells in a kernel through the server's websocket, as a notebook does: a cell is a line of standard input."""

import asyncio
import json
import sys
import uuid

from tornado.websocket import websocket_connect


async def main():
    port, kernel = sys.argv[1:]
    session = uuid.uuid4().hex
    socket = await websocket_connect(f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels?session_id={session}")
    while line := await asyncio.to_thread(sys.stdin.readline):
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": "",
            "session": session,
            "version": "5.3",
        }
        content = {"code": line, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await socket.write_message(json.dumps(message))
        while True:
            answer = json.loads(await socket.read_message())
            of_this = answer["parent_header"].get("msg_id") == header["msg_id"]
            if of_this and answer["header"]["msg_type"] == "execute_reply":
                break
        print(answer["content"]["status"], flush=True)


asyncio.run(main())
