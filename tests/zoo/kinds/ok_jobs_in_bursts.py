"""A job loads its rows in the second round and again in the fourth, and drops them when it is done."""
# none: true
class Row:
    def __init__(self, number):
        self.name, self.body = "row-%d" % number, b"%d" % number * 2000


rows = []


def step(i):
    if i // 300 % 2:
        rows.append(Row(i))
    else:
        rows.clear()
