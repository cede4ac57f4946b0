"""Each request makes cycles that await the collector: no leak, whether it ran or not."""
# none: true
class Node:
    def __init__(self, request):
        self.request = request
        self.payload = bytes(100)


class Request:
    def __init__(self, n):
        self.n = n
        self.nodes = [Node(self) for _ in range(3)]


def step(i):
    Request(i)
