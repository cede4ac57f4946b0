"""Subscribers that come and go, at most twenty at a time."""
# none: true
class Bus:
    def __init__(self):
        self.topics = {"a": [], "b": []}


class Subscriber:
    def __init__(self, n):
        self.n = n
        self.got = []

    def notify(self, message):
        self.got.append(message)


bus = Bus()


def step(i):
    topic = bus.topics["ab"[i % 2]]
    topic.append(Subscriber(i).notify)
    if len(topic) > 20:
        topic.pop(0)
    for notify in topic:
        notify(i)
