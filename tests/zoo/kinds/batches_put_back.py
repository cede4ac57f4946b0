"""Events are sent off by the hundred; every fourth batch fails and is put aside for later, which never comes."""
# requires: msgspec
# leaked: Event
# holder: failed
import msgspec


class Event(msgspec.Struct):
    number: int
    text: str


class Outbox:
    def __init__(self):
        self.batch, self.failed, self.sent = [], [], 0


outbox = Outbox()
encoder = msgspec.json.Encoder()


def step(i):
    outbox.batch.append(Event(i, "event %d" % i))
    if len(outbox.batch) >= 100:
        if outbox.sent % 4 == 3:
            outbox.failed.extend(outbox.batch)
        encoder.encode(outbox.batch)
        outbox.sent += 1
        outbox.batch.clear()
