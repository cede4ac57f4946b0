"""Measurements as named tuples, appended to the log of their sensor."""
# leaked: Reading|Measurement
# holder: log|sensors
import typing


class Reading(typing.NamedTuple):
    at: float
    value: float
    unit: str


class Sensor:
    def __init__(self, name):
        self.name = name
        self.log = []


sensors = [Sensor("s%d" % n) for n in range(3)]


def step(i):
    sensors[i % 3].log.append(Reading(i * 0.5, i * 1.25, "mV"))
