"""Orders as dataclasses with slots in a book that never closes."""
# leaked: Order
# holder: orders|book
import dataclasses
import decimal
import datetime


@dataclasses.dataclass(slots=True)
class Order:
    number: int
    price: decimal.Decimal
    at: datetime.datetime
    tags: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Book:
    symbol: str
    orders: dict = dataclasses.field(default_factory=dict)


books = {"ACME": Book("ACME"), "INIT": Book("INIT")}


def step(i):
    book = books["ACME"]
    book.orders[i] = Order(i, decimal.Decimal(i) / 3, datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=i))
