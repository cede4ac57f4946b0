"""A descriptor keeps the state of instances in a dict by their id, and is not told when they die."""
# leaked: dict|list|Money|int
# holder: _values|values
class Money:
    def __init__(self, amount):
        self.amount = amount


class Field:
    def __init__(self):
        self._values = {}

    def __get__(self, instance, owner):
        return self if instance is None else self._values[id(instance)]

    def __set__(self, instance, value):
        self._values[id(instance)] = value


class Invoice:
    total = Field()

    def __init__(self, n):
        self.n = n
        self.total = Money(n)


junk = []


def step(i):
    invoice = Invoice(i)
    junk.append(invoice) if i % 3 == 0 else None
    del junk[:-50]
    # ids are used again, so only what moves about leaks: keep addresses moving.
    Invoice.total._values[(id(invoice), i)] = Money(i)
