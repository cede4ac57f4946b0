"""Groups of itertools.groupby kept as lists under their key, and each batch adds its own."""
# leaked: list|Line
# holder: batches|groups
import itertools


class Line:
    __slots__ = ("level", "text")

    def __init__(self, level, text):
        self.level, self.text = level, text


class Report:
    def __init__(self):
        self.groups = {}

    def add(self, n, lines):
        for level, group in itertools.groupby(lines, key=lambda line: line.level):
            self.groups.setdefault((n, level), []).extend(group)


report = Report()


def step(i):
    report.add(i, [Line(k // 2, "text") for k in range(4)])
