"""Events are encoded and sent off by the seven hundred."""
# requires: msgspec
# none: true
import msgspec


class Event(msgspec.Struct):
    number: int
    text: str


batch, sent = [], 0
encoder = msgspec.json.Encoder()


def step(i):
    global sent
    batch.append(Event(i, "event %d" % i))
    if len(batch) >= 700:
        sent += len(encoder.encode(batch))
        batch.clear()
