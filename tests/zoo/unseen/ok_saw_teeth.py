"""A buffer is flushed each 70 steps."""
# none: true
class Batch:
    def __init__(self):
        self.rows = []
        self.flushed = 0

    def add(self, row):
        self.rows.append(row)
        if len(self.rows) >= 70:
            self.flushed += len(self.rows)
            self.rows.clear()


batch = Batch()


def step(i):
    batch.add({"id": i, "v": [i]})
