"""Sets and frozensets of strings, made and unmade."""
# none: true
current = set()


def step(i):
    for k in range(5):
        current.add(frozenset(("user%d" % (i + k), "role%d" % (k % 3))))
    while len(current) > 100:
        current.pop()
