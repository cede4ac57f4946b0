"""Templates: files of HTML with `$names`. Every value is escaped, unless it is `Markup`, which only templates make."""

from __future__ import annotations

import html
import string
from pathlib import Path

_FOLDER = Path(__file__).parent / "templates"


class Markup(str):
    """Text that is HTML already."""


class Template:
    """One file of the folder `templates`."""

    def __init__(self, name: str) -> None:
        self._template = string.Template((_FOLDER / name).read_text(encoding="utf-8"))

    def render(self, **values: object) -> Markup:
        """Puts the values in. A name of the template for which there is none is a KeyError."""
        escaped = {
            name: value if isinstance(value, Markup) else html.escape(str(value)) for name, value in values.items()
        }
        return Markup(self._template.substitute(escaped))


def join(parts: list[Markup]) -> Markup:
    """Pieces of HTML one after the other."""
    return Markup("\n".join(parts))
