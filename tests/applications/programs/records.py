"""Records of several classes: with attributes, with slots, as tuples with names, linked with each other."""

import collections
import dataclasses
import datetime
import decimal

Point = collections.namedtuple("Point", "x y")
orders = {}


class Customer:
    def __init__(self, number):
        self.number = number
        self.name = f"customer {number}"
        self.since = datetime.datetime(2026, 1, 1) + datetime.timedelta(minutes=number)
        self.orders = []
        self.notes = None
        self.balance = decimal.Decimal(number) / 7
        self.place = Point(number * 0.5, number * 0.25)
        self.active = True
        self.level = number % 5
        self.tags = frozenset([f"tag {number % 11}", f"area {number % 13}"])


@dataclasses.dataclass(slots=True)
class Order:
    number: int
    customer: Customer
    amount: float


def step(number):
    for part in range(15_000):
        customer = Customer(number * 15_000 + part)
        order = Order(customer.number, customer, part * 1.01)
        customer.orders.append(order)
        orders[order.number] = order
