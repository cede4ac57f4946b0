"""A weak-valued cache whose values keep themselves alive through a class-level list of observers."""
# leaked: Image|function|cell
# holder: observers|_on_change
import weakref


class Image:
    _on_change = []

    def __init__(self, name):
        self.name = name
        self.pixels = bytes(300)
        Image._on_change.append(lambda: self.name)


images = weakref.WeakValueDictionary()


def step(i):
    images["img%d" % i] = Image("img%d" % i)
