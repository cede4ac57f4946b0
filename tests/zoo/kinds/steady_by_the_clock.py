"""A sensor is read a thousand times a second, whatever else the program does. Rounds take 0.8, 0.4, 0.2 and 0.1 s."""
# leaked: Reading
# holder: readings
# verdict: leak|inconclusive
import time


class Reading:
    def __init__(self, number):
        self.number, self.text = number, "reading %d" % number


readings = []
begun = time.monotonic()


def step(i):
    if i % 30 == 0:
        time.sleep(0.08 / 2 ** (i // 300))
    due = int((time.monotonic() - begun) * 1000)
    readings.extend(Reading(number) for number in range(len(readings), due))
