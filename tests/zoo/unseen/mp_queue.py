"""A queue to another process that was never started."""
# leaked: dict|Event|tuple
# holder: outbox|_buffer
# advice: queue-without-limit
import multiprocessing

outbox = multiprocessing.Queue()
outbox.cancel_join_thread()


def step(i):
    outbox.put({"event": i, "body": "x" * 400})
