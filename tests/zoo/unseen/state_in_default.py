"""The audit trail sits in the default argument of a method."""
# leaked: Entry|dict
# holder: trail|record|__defaults__
class Entry:
    def __init__(self, text):
        self.text = text


class Auditor:
    def record(self, text, trail={"entries": []}):
        trail["entries"].append(Entry(text))
        return len(trail["entries"])


auditor = Auditor()


def step(i):
    auditor.record("changed %d" % i)
