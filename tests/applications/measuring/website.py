"""A small web site for applications that are clients."""

from __future__ import annotations

import http.server
import threading
import time

from .application import PATIENCE


class Site:
    """A small web site on the loopback interface, for applications that are clients: each page links to two others.

    While it is closed, requests wait."""

    def __init__(self, size: int = 2000) -> None:
        self.open = threading.Event()
        self.served = 0
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.open.wait(PATIENCE)
                if self.path.startswith("/slow"):
                    time.sleep(3)
                site.served += 1
                number = site.served
                text = "".join(f"<p class='item'>item {number}.{i}</p>" for i in range(size // 40))
                links = f"<a href='/page/{number * 2}'>a</a> <a href='/page/{number * 2 + 1}'>b</a>"
                body = f"<html><title>page {self.path}</title>{links}{text}</html>".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Says nothing: clients that end early are ordinary here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.open.set()
        threading.Thread(target=self._server.serve_forever, name="site", daemon=True).start()

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
