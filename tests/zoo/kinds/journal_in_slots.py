"""A journal in a class with slots. A timer leads to it."""
# leaked: Entry
# holder: entries
# says: entries
import asyncio


class Entry:
    __slots__ = ("text",)

    def __init__(self, number):
        self.text = "entry %d" % number


class Journal:
    __slots__ = ("name", "entries")

    def __init__(self):
        self.name, self.entries = "journal", []

    def flush(self):
        pass


loop = asyncio.new_event_loop()
loop.call_later(3600, Journal().flush)
[timer] = loop._scheduled


def step(i):
    timer._callback.__self__.entries.append(Entry(i))
