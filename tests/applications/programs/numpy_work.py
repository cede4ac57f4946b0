"""Work with numpy: matrices are kept, some of which have pages that nobody touched yet."""

import numpy as np

kept = {}
random = np.random.default_rng(1)


def step(number):
    for part in range(8):
        matrix = random.random((500, 500))
        spectrum = np.fft.rfft(matrix)
        kept[number, part] = (matrix @ matrix.T, abs(spectrum).astype("float32"))
    room = np.zeros((2000, 2000))
    room[:200] = 1
    kept[number] = room
