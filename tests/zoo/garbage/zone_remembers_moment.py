"""A time zone keeps the last moment that it was asked about, which has the zone: a cycle through a datetime."""
# leaked: Zone
# holder: uncollectable cycle through datetime\.datetime
import datetime


class Zone(datetime.tzinfo):
    def __init__(self, name):
        self.name = name
        self.last = None
        self.lines = ["offset of " + name]

    def utcoffset(self, moment):
        return datetime.timedelta(hours=1)


def step(i):
    zone = Zone(f"zone {i}")
    zone.last = datetime.datetime(2026, 1, 1, tzinfo=zone)
