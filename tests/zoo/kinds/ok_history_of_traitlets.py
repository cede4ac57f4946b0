"""A kernel's session keeps the digests of the last hundred messages in a trait. A timer leads to it."""
# requires: traitlets
# none: true
import asyncio

import traitlets


class Digest:
    def __init__(self, number):
        self.text = "digest %d" % number


class Session(traitlets.HasTraits):
    digest_history = traitlets.List()

    def heartbeat(self):
        pass


loop = asyncio.new_event_loop()
loop.call_later(3600, Session().heartbeat)
[timer] = loop._scheduled


def step(i):
    history = timer._callback.__self__.digest_history
    history.append(Digest(i))
    del history[:-100]
