"""Records with ten attributes each: the values take more memory than the objects themselves."""
# leaked: Record
# holder: archive
# explained: true
class Record:
    def __init__(self):
        self.a = self.b = self.c = self.d = self.e = self.f = self.g = self.h = self.i = self.j = None


archive = []


def step(i):
    archive.extend(Record() for _ in range(60))
