"""Dead weak references are kept: their callback only counts."""
# leaked: weakref|ReferenceType
# holder: watched
import weakref


class Tracked:
    def __init__(self, n):
        self.n = n


class Watcher:
    def __init__(self):
        self.watched = []
        self.gone = 0

    def watch(self, thing):
        self.watched.append(weakref.ref(thing, self.lost))

    def lost(self, reference):
        self.gone += 1


watcher = Watcher()


def step(i):
    thing = Tracked(i)
    watcher.watch(thing)
