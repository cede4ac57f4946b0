"""A pool of connections that are lent and given back, and replaced after fifty uses."""
# none: true
import collections


class Connection:
    def __init__(self, n):
        self.n = n
        self.uses = 0
        self.buffer = bytearray(256)


class Pool:
    def __init__(self, size):
        self.idle = collections.deque(Connection(n) for n in range(size))
        self.busy = {}

    def take(self):
        connection = self.idle.popleft()
        self.busy[connection.n] = connection
        return connection

    def give(self, connection):
        del self.busy[connection.n]
        connection.uses += 1
        if connection.uses > 50:
            connection = Connection(connection.n)
        self.idle.append(connection)


pool = Pool(60)


def step(i):
    connection = pool.take()
    connection.buffer[0] = i % 256
    pool.give(connection)
