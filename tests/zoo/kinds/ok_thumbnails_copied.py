"""The rows of the last hundred pictures, copied; the pictures go."""
# requires: numpy
# none: true
# explained: true
from collections import deque

import numpy

thumbnails = deque(maxlen=100)
ring = numpy.zeros((50, 100, 300), dtype=numpy.uint8)


def step(i):
    picture = numpy.full((100, 300), i % 251, dtype=numpy.uint8)
    ring[i % 50] = picture
    thumbnails.append(picture[50].copy())
