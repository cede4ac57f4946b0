"""A row of each picture is kept as its thumbnail. It is a view, which keeps the whole picture."""
# requires: numpy
# leaked: ndarray
# holder: thumbnails
# explained: true
import numpy

thumbnails = {}


def step(i):
    picture = numpy.full((100, 300), i % 251, dtype=numpy.uint8)
    thumbnails["picture-%d" % i] = picture[50]
