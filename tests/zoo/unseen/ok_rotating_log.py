"""A log in memory that is rotated at a size, with three old ones kept."""
# none: true
import io


class RotatingLog:
    def __init__(self):
        self.now = io.StringIO()
        self.old = []

    def write(self, line):
        self.now.write(line)
        if self.now.tell() > 2000:
            self.old.append(self.now.getvalue())
            del self.old[:-3]
            self.now = io.StringIO()


log = RotatingLog()


def step(i):
    log.write("%05d something happened here\n" % i)
