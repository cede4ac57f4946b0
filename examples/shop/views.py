"""The pages of the shop as HTML. Those that look the same to all visitors are kept in `cache`; what is around is not."""

from __future__ import annotations

from urllib.parse import urlencode

from . import catalogue
from .cache import Cache
from .catalogue import Item
from .rendering import Markup, Template, join
from .sessions import Session

cache = Cache(limit=200)

_layout = Template("layout.html")
_list = Template("list.html")
_row = Template("row.html")
_more = Template("more.html")
_item = Template("item.html")
_cart = Template("cart.html")
_line = Template("line.html")
_error = Template("error.html")


def item_list(words: str, page: int) -> Markup:
    """One page of the items that have the words in their names."""
    return Markup(cache.text(("list", words, page), lambda: _item_list(words, page)))


def _item_list(words: str, page: int) -> Markup:
    found = catalogue.search(words)
    start = (page - 1) * catalogue.PER_PAGE
    rows = [
        _row.render(number=item.number, name=item.name, price=catalogue.price(item.price))
        for item in found[start : start + catalogue.PER_PAGE]
    ]
    more = Markup()
    if start + catalogue.PER_PAGE < len(found):
        more = _more.render(query=urlencode({"q": words, "page": page + 1}))
    return _list.render(words=words, count=len(found), rows=join(rows), more=more)


def item(shown: Item) -> Markup:
    """An item with the button that buys it."""
    return Markup(
        cache.text(
            ("item", shown.number),
            lambda: _item.render(number=shown.number, name=shown.name, price=catalogue.price(shown.price)),
        )
    )


def cart(session: Session) -> Markup:
    """What is in the visitor's cart."""
    lines = list(session.cart)
    rows = [
        _line.render(
            number=line.item.number,
            name=line.item.name,
            count=line.count,
            price=catalogue.price(line.item.price * line.count),
        )
        for line in lines
    ]
    total = sum(line.item.price * line.count for line in lines)
    return _cart.render(rows=join(rows), total=catalogue.price(total))


def error(status: str, text: str) -> Markup:
    """What went wrong."""
    return _error.render(status=status, text=text)


def around(title: str, body: Markup, session: Session | None) -> Markup:
    """The whole document."""
    return _layout.render(title=title, body=body, pieces=session.pieces() if session else 0)
