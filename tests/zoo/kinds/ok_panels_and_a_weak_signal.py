"""Panels listen to a signal of blinker, which holds them weakly; they are gone when they are closed."""
# requires: blinker
# none: true
from collections import deque

import blinker

changed = blinker.Signal()


class Panel:
    def __init__(self, number):
        self.title = "panel %d" % number
        changed.connect(self.refresh)

    def refresh(self, sender):
        pass


open_panels = deque(maxlen=30)


def step(i):
    open_panels.append(Panel(i))
