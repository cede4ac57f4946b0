"""Panels listen to a signal of blinker, which holds them weakly; the window keeps those that were closed."""
# requires: blinker
# leaked: Panel
# holder: closed
import blinker

changed = blinker.Signal()


class Panel:
    def __init__(self, number):
        self.title = "panel %d" % number
        changed.connect(self.refresh)

    def refresh(self, sender):
        pass


class Window:
    def __init__(self):
        self.closed = []


window = Window()


def step(i):
    window.closed.append(Panel(i))
