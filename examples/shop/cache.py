"""A cache with a bound: what has not been used for longest goes first. It grows until it is full, and is no leak."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Entry:
    """A rendered page, and how often it was used."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.hits = 0


class Cache:
    """At most `limit` entries, in the order of their last use. Threads may share it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def text(self, key: Hashable, make: Callable[[], str]) -> str:
        """The text for the key; if it is not there, `make()` makes it, without holding up others meanwhile."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                entry.hits += 1
                self._entries.move_to_end(key)
                return entry.text
        made = Entry(make())
        with self._lock:
            self._entries[key] = made
            self._entries.move_to_end(key)
            while len(self._entries) > self.limit:
                self._entries.popitem(last=False)
        return made.text
