"""Two hundred leaves in three levels, which all grow evenly."""
# leaked: Tick
# holder: series|markets
class Tick:
    __slots__ = ("price", "size")

    def __init__(self, price, size):
        self.price, self.size = price, size


class Store:
    def __init__(self):
        self.series = {}


store = Store()


def step(i):
    for k in range(4):
        n = i * 4 + k
        market = store.series.setdefault("market%d" % (n % 5), {})
        market.setdefault("symbol%d" % (n // 5 % 40), []).append(Tick(n * 1.5, n))
