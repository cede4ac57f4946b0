"""A graph with cycles: people know others, and all are reached from the first."""
# leaked: Person
# holder: recent|me|knows
class Person:
    def __init__(self, n):
        self.n = n
        self.knows = []

    def meet(self, other):
        self.knows.append(other)
        other.knows.append(self)


me = Person(0)
recent = [me] * 5


def step(i):
    person = Person(i)
    person.meet(recent[i % 5])
    person.meet(recent[(i + 2) % 5])
    recent[i % 5] = person
