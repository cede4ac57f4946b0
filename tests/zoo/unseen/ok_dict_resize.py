"""A dict that is emptied and filled again: its table is resized, its content the same."""
# none: true
index = {}


def step(i):
    k = i % 400
    if k == 0:
        index.clear()
    for n in range(5):
        index[("key", n, k % 100)] = [k, n]
