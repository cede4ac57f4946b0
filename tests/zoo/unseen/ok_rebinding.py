"""The table is computed anew at each step."""
# none: true
class Row:
    def __init__(self, n):
        self.n = n


table = []


def step(i):
    global table
    table = [Row(i + k) for k in range(200)]
