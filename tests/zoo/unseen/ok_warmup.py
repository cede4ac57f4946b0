"""Tables are filled in the first hundred steps, and then only read."""
# none: true
class Currency:
    def __init__(self, code):
        self.code = code
        self.rates = {}


currencies = {}


def step(i):
    currency = currencies.setdefault("c%d" % (i % 150), Currency(i % 150))
    currency.rates["EUR"] = i * 0.5
