"""threading.Timer objects that were cancelled and are kept."""
# leaked: Timer|dict
# holder: timers
# advice: thread-objects-kept
import threading

timers = []


def step(i):
    timer = threading.Timer(3600, print)
    timer.cancel()
    timers.append(timer)
