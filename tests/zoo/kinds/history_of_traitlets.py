"""A kernel's session keeps the digest of each message in a trait. A timer leads to it."""
# requires: traitlets
# leaked: Digest
# holder: digest_history
# says: digest_history
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
    timer._callback.__self__.digest_history.append(Digest(i))
