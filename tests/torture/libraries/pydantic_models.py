"""Models, validators and serializers of pydantic, and errors that it raised; threads that validate."""
# requires: pydantic

from datetime import datetime
from decimal import Decimal
from typing import Any, Optional

import pydantic
from captures import Traffic, look


class Article(pydantic.BaseModel):
    name: str
    price: Decimal = Decimal("1.50")
    since: datetime = datetime(2024, 1, 1)
    more: dict[str, Any] = {}


class Cart(pydantic.BaseModel):
    owner: str | None = None
    articles: list[Article] = []
    parent: Optional["Cart"] = None


getattr(Cart, "model_rebuild", Cart.update_forward_refs if not hasattr(Cart, "model_rebuild") else None)()


def made(number: int) -> Cart:
    articles = [{"name": f"article {one}", "price": "2.5", "more": {"one": [one]}} for one in range(5)]
    return Cart(owner=f"owner {number}", articles=articles, parent=Cart())


def wrong() -> pydantic.ValidationError:
    try:
        Cart(articles=[{"price": "much"}], owner=[1])
    except pydantic.ValidationError as error:
        return error
    raise AssertionError


def work():
    cart = made(7)
    return cart.model_dump_json() if hasattr(cart, "model_dump_json") else cart.json()


carts = [made(number) for number in range(200)]
errors = [wrong() for _ in range(20)]
validators = [
    getattr(Cart, name) for name in ("__pydantic_validator__", "__pydantic_serializer__") if hasattr(Cart, name)
]
look([*carts, *errors, *validators, Cart, Article], traffic=Traffic(work, work))
