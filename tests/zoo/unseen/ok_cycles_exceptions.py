"""Exceptions that hold their own frame: cycles through frames and tracebacks."""
# none: true
def fail(n):
    rows = [n] * 10
    raise LookupError(rows)


def step(i):
    try:
        fail(i)
    except LookupError as error:
        kept = error
        kept.note = kept
