"""What the shop sells. Made once when the module is imported, and not changed after that."""

from __future__ import annotations

PER_PAGE = 24

_MAKES = ("Alder", "Birch", "Copper", "Dover", "Elm & Sons", "Fjord", "Granite", "Harbour", "Iron", "Juniper")
_THINGS = (
    "teapot", "kettle", "lamp", "stool", "blanket", "bowl", "mirror", "clock", "basket", "candle", "vase", "tray",
    "jug", "shelf", "rug", "cushion", "hook", "bench", "10\" plate", "mug", "board", "knife", "apron", "jar",
)  # fmt: skip


class Item:
    """Something to buy. The price is in cents."""

    def __init__(self, number: int, name: str, price: int) -> None:
        self.number = number
        self.name = name
        self.price = price

    def __repr__(self) -> str:
        return f"Item({self.number!r}, {self.name!r})"


def _stock() -> dict[int, Item]:
    items: dict[int, Item] = {}
    for thing in _THINGS:
        for make in _MAKES:
            number = len(items) + 1
            items[number] = Item(number, f"{make} {thing}", 490 + number * 7919 % 9000)
    return items


_by_number = _stock()


def item(number: int) -> Item | None:
    """The item of that number, if there is one: they count from 1."""
    return _by_number.get(number)


def size() -> int:
    """How many items there are."""
    return len(_by_number)


def search(words: str) -> list[Item]:
    """The items with all of these words in their names; all items for none. Takes one look at each item."""
    wanted = words.casefold().split()
    return [item for item in _by_number.values() if all(word in item.name.casefold() for word in wanted)]


def price(cents: int) -> str:
    """An amount as it is shown."""
    return f"{cents // 100:d}.{cents % 100:02d}"
