"""A log in memory, through a text layer over a byte buffer."""
# leaked: BytesIO|bytes|TextIOWrapper
# holder: raw|sink|out
import io


class Sink:
    def __init__(self):
        self.raw = io.BytesIO()
        self.out = io.TextIOWrapper(self.raw, encoding="utf-8", write_through=True)


sink = Sink()


def step(i):
    sink.out.write("line %06d of the log that is never truncated\n" % i)
    sink.out.flush()
