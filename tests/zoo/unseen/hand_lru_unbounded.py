"""A hand-written cache with a doubly linked list; its bound is compared with the wrong attribute."""
# leaked: Entry|Node
# holder: cache|entries|table|head
class Entry:
    __slots__ = ("key", "value", "prev", "next")


class LRU:
    def __init__(self, capacity):
        self.capacity = capacity
        self.size = 0
        self.table = {}
        self.head = self.tail = None

    def put(self, key, value):
        entry = Entry()
        entry.key, entry.value, entry.prev, entry.next = key, value, None, self.head
        if self.head is not None:
            self.head.prev = entry
        self.head = entry
        self.tail = self.tail or entry
        self.table[key] = entry
        if self.size > self.capacity:
            old, self.tail = self.tail, self.tail.prev
            del self.table[old.key]


cache = LRU(100)


def step(i):
    cache.put("k%d" % i, [i])
