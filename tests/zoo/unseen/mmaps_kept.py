"""Anonymous maps of scratch space that nobody closes."""
# leaked: mmap
# holder: scratch
import mmap

scratch = {}


def step(i):
    area = mmap.mmap(-1, 4096)
    area[:4] = b"abcd"
    scratch["job-%d" % i] = area
