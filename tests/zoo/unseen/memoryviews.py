"""Slices of a received buffer keep the whole buffer."""
# leaked: memoryview|bytes|managedbuffer
# holder: headers
# advice: slice-keeps-buffer
import os


class Parser:
    def __init__(self):
        self.headers = []

    def feed(self, data):
        self.headers.append(memoryview(data)[:8])


parser = Parser()


def step(i):
    parser.feed(i.to_bytes(8, "big") + bytes(400))
