"""A shop has its opening time, whose time zone is made by the shop: a cycle through a time that no collector sees."""
# leaked: Shop|Hours
# holder: uncollectable cycle through datetime\.time
import datetime


class Hours(datetime.tzinfo):
    def __init__(self, shop):
        self.shop = shop

    def utcoffset(self, moment):
        return datetime.timedelta(0)


class Shop:
    def __init__(self, number):
        self.number = number
        self.shelves = {n: [number, n] for n in range(5)}
        self.opens = datetime.time(8, 30, tzinfo=Hours(self))


def step(i):
    Shop(i)
