"""The head of each message is kept as a slice, which keeps the whole message."""
# leaked: memoryview|bytes
# holder: heads
# advice: slice-keeps-buffer
heads = []


def step(i):
    message = memoryview(bytes(2000))
    heads.append(message[:8])
