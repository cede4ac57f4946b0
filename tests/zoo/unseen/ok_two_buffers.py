"""Two buffers that are swapped: one is filled while the other is read, and cleared."""
# none: true
class Point:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x


class Double:
    def __init__(self):
        self.front, self.back = [], []


double = Double()


def step(i):
    double.back.append(Point(i))
    if len(double.back) == 90:
        double.front, double.back = double.back, double.front
        double.back.clear()
