"""Sessions and carts are kept under the same key: two leaks, neither of which holds what the other holds."""
# leaked: Session
# holder: sessions
# also: carts
class Session:
    def __init__(self, number):
        self.name, self.data = "session %d" % number, [number] * 50


class Cart:
    def __init__(self, number):
        self.lines = ["line of cart %d" % number] * 20


sessions, carts = {}, {}


def step(i):
    token = "token-%d" % i
    sessions[token] = Session(i)
    carts[token] = Cart(i)
