"""Each failure is raised in the handler of the one before: a chain of contexts that only grows."""
# leaked: RetryError|ValueError|traceback
# holder: last_error
# advice: exceptions-kept
class RetryError(Exception):
    pass


class Client:
    def __init__(self):
        self.last_error = None

    def call(self, n):
        try:
            try:
                if self.last_error is not None:
                    raise self.last_error
            finally:
                raise RetryError("attempt %d" % n)
        except RetryError as error:
            self.last_error = error


client = Client()


def step(i):
    client.call(i)
