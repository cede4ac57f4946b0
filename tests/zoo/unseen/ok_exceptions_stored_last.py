"""The last error only is kept, with its traceback and frames."""
# none: true
class Health:
    last_error = None


def fail(n):
    payload = [n] * (n % 30)
    raise RuntimeError(len(payload))


def step(i):
    try:
        fail(i)
    except RuntimeError as error:
        Health.last_error = error
