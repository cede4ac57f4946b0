"""The objects of the planted leaks. The applications import this file and keep the objects in a place of their own."""

import os

PLANTED = bool(os.environ.get("PLANTED"))
"""Whether this run of the application has the planted leak."""


class Visit:
    """A record of one unit of work, with some hundred bytes of its own."""

    def __init__(self, about: object) -> None:
        self.about = str(about)
        self.note = f"{about!r} was here".ljust(300, ".")
