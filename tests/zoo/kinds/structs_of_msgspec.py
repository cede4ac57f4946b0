"""Messages are decoded into structs and kept."""
# requires: msgspec
# leaked: Message
# holder: inbox
# explained: true
import msgspec


class Message(msgspec.Struct):
    id: int
    text: str
    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0
    e: int = 0


inbox = {}
decoder = msgspec.json.Decoder(list[Message])


def step(i):
    text = ",".join('{"id": %d, "text": "message %d"}' % (n, n) for n in range(i * 30, i * 30 + 30))
    for message in decoder.decode("[%s]" % text):
        inbox[message.id] = message
