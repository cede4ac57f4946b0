"""The shop as a WSGI application: `shop.app:app`, for any server.

    /           the items; ?q= searches, ?page= turns the page
    /item/N     one item
    /cart       the visitor's cart; POST adds `count` pieces of `item`
    /health     how many sessions and cached pages there are, as JSON

Every visitor of a page of the shop who brings no token, or an unknown one, gets a session; /health and errors open
none.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from . import catalogue, sessions, views
from .rendering import Markup

COOKIE = "shop_session"
LONGEST_FORM = 4096
LONGEST_SEARCH = 80


class Refused(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: str, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.headers = headers


class Response:
    """What goes back."""

    def __init__(self, status: str, content_type: str, body: str, *headers: tuple[str, str]) -> None:
        self.status = status
        self.body = body.encode("utf-8")
        self.headers = [("Content-Type", content_type), ("Content-Length", str(len(self.body))), *headers]


class Request:
    """One request, and the session of its visitor once it was asked for."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        # A gateway hands over bytes, dressed up as latin-1.
        self.path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace") or "/"
        self.session: sessions.Session | None = None
        self.is_new = False

    def visit(self) -> sessions.Session:
        """The visitor's session, opened if need be."""
        token = self._token()
        found = sessions.find(token) if token else None
        self.is_new = found is None
        self.session = found or sessions.open_new()
        self.session.looked_at(self.path)
        return self.session

    def _token(self) -> str | None:
        try:
            cookie = SimpleCookie(self._environ.get("HTTP_COOKIE", "")).get(COOKIE)
        except CookieError:
            return None
        return cookie.value if cookie else None

    def query(self) -> dict[str, str]:
        """The fields of the address."""
        return _fields(self._environ.get("QUERY_STRING", ""))

    def form(self) -> dict[str, str]:
        """The fields of the body."""
        try:
            length = int(self._environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = -1
        if length < 0:
            raise Refused("400 Bad Request", "The length of the form is no number.")
        if length > LONGEST_FORM:
            raise Refused("413 Content Too Large", "The form is too long.")
        body = self._environ["wsgi.input"].read(length)
        if len(body) < length:
            raise Refused("400 Bad Request", "The form is not complete.")
        return _fields(body.decode("utf-8", "replace"))


def _fields(encoded: str) -> dict[str, str]:
    try:
        return {name: values[-1] for name, values in parse_qs(encoded, max_num_fields=10).items()}
    except ValueError:
        raise Refused("400 Bad Request", "There are too many fields.") from None


def _number(text: str, most: int) -> int | None:
    """A number from 1 to `most`."""
    if not re.fullmatch("[0-9]{1,9}", text):
        return None
    number = int(text)
    return number if 1 <= number <= most else None


def _page(request: Request, title: str, body: Markup) -> Response:
    return Response("200 OK", "text/html; charset=utf-8", views.around(title, body, request.session))


def show_list(request: Request) -> Response:
    """/"""
    query = request.query()
    words = " ".join(query.get("q", "")[:LONGEST_SEARCH].split())
    page = _number(query.get("page", "1"), catalogue.size())
    if page is None:
        raise Refused("404 Not Found", "There is no such page.")
    request.visit()
    return _page(request, "All items", views.item_list(words, page))


def show_item(request: Request, number: str) -> Response:
    """/item/N"""
    shown = catalogue.item(int(number))
    if shown is None:
        raise Refused("404 Not Found", "There is no such item.")
    request.visit()
    return _page(request, shown.name, views.item(shown))


def show_cart(request: Request) -> Response:
    """GET /cart"""
    return _page(request, "Your cart", views.cart(request.visit()))


def add_to_cart(request: Request) -> Response:
    """POST /cart"""
    form = request.form()
    number = _number(form.get("item", ""), catalogue.size())
    item = catalogue.item(number) if number else None
    count = _number(form.get("count", "1"), sessions.MOST_OF_ONE)
    if item is None or count is None:
        raise Refused("400 Bad Request", "The form names no item, or no number of pieces.")
    request.visit().add(item, count)
    return Response("303 See Other", "text/plain; charset=utf-8", "See /cart\n", ("Location", "/cart"))


def health(request: Request) -> Response:
    """/health"""
    counts = {
        "status": "ok",
        "pid": os.getpid(),
        "sessions": sessions.count(),
        "cached_pages": len(views.cache),
        "cached_pages_limit": views.cache.limit,
    }
    return Response("200 OK", "application/json", json.dumps(counts) + "\n", ("Cache-Control", "no-store"))


def _answer(request: Request) -> Response:
    reads = {"GET", "HEAD"}
    item = re.fullmatch("/item/([0-9]{1,9})", request.path)
    if request.path == "/":
        allowed: dict[str, Callable[[], Response]] = dict.fromkeys(reads, lambda: show_list(request))
    elif request.path == "/cart":
        allowed = dict.fromkeys(reads, lambda: show_cart(request))
        allowed["POST"] = lambda: add_to_cart(request)
    elif request.path == "/health":
        allowed = dict.fromkeys(reads, lambda: health(request))
    elif item:
        number = item.group(1)
        allowed = dict.fromkeys(reads, lambda: show_item(request, number))
    else:
        raise Refused("404 Not Found", f"There is nothing at {request.path}.")
    if request.method not in allowed:
        raise Refused("405 Method Not Allowed", "That cannot be done here.", ("Allow", ", ".join(sorted(allowed))))
    return allowed[request.method]()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers one request."""
    request = Request(environ)
    try:
        response = _answer(request)
    except Refused as refused:
        body = views.around(refused.status, views.error(refused.status, refused.text), None)
        response = Response(refused.status, "text/html; charset=utf-8", body, *refused.headers)
    headers = response.headers
    if request.session and request.is_new:
        cookie = f"{COOKIE}={request.session.token}; Path=/; HttpOnly; SameSite=Lax"
        headers = [*headers, ("Set-Cookie", cookie)]
    start_response(response.status, headers)
    return [] if request.method == "HEAD" else [response.body]
