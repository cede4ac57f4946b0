"""Undo steps as partials that nobody undoes."""
# leaked: partial|Change
# holder: undo
import functools


class Change:
    def __init__(self, before, after):
        self.before, self.after = before, after


class Editor:
    def __init__(self):
        self.text = ""
        self.undo_stack = []

    def apply(self, change):
        self.text = change.after

    def type(self, text):
        change = Change(self.text, text)
        self.undo_stack.append(functools.partial(self.apply, change))
        self.text = text


editor = Editor()


def step(i):
    editor.type("line %d" % i)
