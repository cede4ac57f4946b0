"""Each visitor is looked up in the list of all visitors, which slows the program down as the list grows."""
# leaked: Visitor
# holder: visitors
class Visitor:
    def __init__(self, name):
        self.name = name


visitors = []


def step(i):
    name = "visitor-%d" % i
    for _ in range(20):
        if any(visitor.name == name for visitor in visitors):
            return
    visitors.append(Visitor(name))
