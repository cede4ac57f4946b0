"""Buffers for C that are kept "in case the library still writes to them"."""
# leaked: c_char_Array|Array|Packet
# holder: pinned
import ctypes


class Packet(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32), ("data", ctypes.c_char * 120)]


class Device:
    def __init__(self):
        self.pinned = []

    def send(self, n):
        packet = Packet(n, b"x" * 10)
        self.pinned.append(packet)


device = Device()


def step(i):
    device.send(i)
