"""Who is in the shop. Here is the leak: unless `expire_after` is set, no session is ever forgotten."""

from __future__ import annotations

import secrets
import threading
import time

from .catalogue import Item

HISTORY = 20
"""How many pages a session remembers."""

MOST_OF_ONE = 99
"""How many pieces of one item a cart takes."""


class Line:
    """An item in a cart, and how many of it."""

    def __init__(self, item: Item, count: int) -> None:
        self.item = item
        self.count = count


class Session:
    """One visitor: what is in the cart, and what was looked at."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.cart: list[Line] = []
        self.history: list[str] = []
        self.seen = time.monotonic()

    def add(self, item: Item, count: int) -> None:
        """Puts pieces of an item into the cart."""
        with _lock:
            for line in self.cart:
                if line.item is item:
                    break
            else:
                line = Line(item, 0)
                self.cart.append(line)
            line.count = min(line.count + count, MOST_OF_ONE)

    def looked_at(self, path: str) -> None:
        """Notes a page, and forgets the oldest."""
        with _lock:
            self.history.append(path)
            del self.history[:-HISTORY]

    def pieces(self) -> int:
        """How many pieces are in the cart."""
        return sum(line.count for line in self.cart)


by_token: dict[str, Session] = {}
"""All sessions. With `expire_after`, in the order in which their visitors were last seen."""

expire_after: float | None = None
"""After how many seconds without a request a session is forgotten. `None`: never, which is the leak."""

_lock = threading.Lock()


def find(token: str) -> Session | None:
    """The visitor's session, if the token is of one."""
    with _lock:
        _forget_the_old()
        session = by_token.get(token)
        if session is not None:
            session.seen = time.monotonic()
            if expire_after is not None:
                by_token[token] = by_token.pop(token)
        return session


def open_new() -> Session:
    """A session for a new visitor."""
    session = Session(secrets.token_urlsafe(16))
    with _lock:
        _forget_the_old()
        by_token[session.token] = session
    return session


def count() -> int:
    """How many sessions there are."""
    with _lock:
        _forget_the_old()
        return len(by_token)


def _forget_the_old() -> None:
    """Looks only at those that go, and at one more."""
    if expire_after is None:
        return
    oldest_to_keep = time.monotonic() - expire_after
    while by_token:
        token = next(iter(by_token))
        if by_token[token].seen >= oldest_to_keep:
            return
        del by_token[token]
