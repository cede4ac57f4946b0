"""An HTTP server around the application: wsgiref's, with a thread for each request, and a clean end."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer


class Handler(WSGIRequestHandler):
    """Gives up on a client that says nothing, and writes no line for each request."""

    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: thousands of requests are sent."""


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """`stop()` lets the requests that are under way come to their end."""

    # Of threads that are none, some versions of socketserver keep a list that only grows: a leak of its own.
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, app: Any) -> None:
        self._running = 0
        self._changed = threading.Condition()
        super().__init__((host, port), Handler)
        self.set_app(app)

    def server_bind(self) -> None:
        """As in HTTPServer, but without asking a name server who we are."""
        socketserver.TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts a thread for it."""
        self._count(1)
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._count(-1)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """What the thread does."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._running += change
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no error of ours."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, socket.timeout)):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Makes `serve_forever()` return. Can be called from a signal handler, and more than once."""
        threading.Thread(target=self.shutdown, name="stop", daemon=True).start()

    def finish(self, seconds: float) -> bool:
        """Closes the door, and waits for those inside: whether all have left in time."""
        self.server_close()
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, seconds)
