"""A trace in a context variable: nested contexts share the list of the outermost, and it only grows."""
# leaked: Span|dict
# holder: trace|spans|ContextVar|Context|base
# advice: context-variable
import contextvars

trace = contextvars.ContextVar("trace")


class Span:
    __slots__ = ("name", "parent", "tags")

    def __init__(self, name, parent):
        self.name = name
        self.parent = parent
        self.tags = {"depth": 1}


base = contextvars.copy_context()
base.run(trace.set, [])


def inner(i):
    spans = trace.get()
    spans.append(Span("inner%d" % i, None))


def outer(i):
    contextvars.copy_context().run(inner, i)


def step(i):
    base.run(outer, i)
