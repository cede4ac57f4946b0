"""A backlog that builds up for half of the run and is worked off in the other half."""
# none: true
backlog = []


class Mail:
    def __init__(self, n):
        self.n = n


def step(i):
    if i < 550:
        backlog.append(Mail(i))
    elif backlog:
        backlog.pop()
