"""Buffers are taken from a free list and given back; their sizes vary."""
# none: true
free = [bytearray(1000) for _ in range(50)]


def step(i):
    buffer = free.pop(0)
    buffer[:] = bytes(600 + i * 37 % 500)
    free.append(buffer)
