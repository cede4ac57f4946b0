"""A hand-written least-recently-used cache with a linked list, full and churning."""
# none: true
class Entry:
    __slots__ = ("key", "value", "prev", "next")

    def __init__(self, key=None, value=None):
        self.key, self.value = key, value
        self.prev = self.next = self


class LRU:
    def __init__(self, capacity):
        self.capacity = capacity
        self.table = {}
        self.root = Entry()

    def put(self, key, value):
        entry = Entry(key, value)
        entry.prev, entry.next = self.root.prev, self.root
        entry.prev.next = entry.next.prev = entry
        self.table[key] = entry
        if len(self.table) > self.capacity:
            old = self.root.next
            old.prev.next, old.next.prev = old.next, old.prev
            del self.table[old.key]


cache = LRU(150)


def step(i):
    cache.put("key%d" % i, {"n": i})
