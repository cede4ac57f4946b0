"""A plugin is executed anew as a module each time, and its hooks stay registered."""
# leaked: function|module|dict
# holder: hooks
import types

SOURCE = """
SETTINGS = {"debug": False, "level": 3}
def hook(event):
    return SETTINGS["level"] + event
"""


class PluginManager:
    def __init__(self):
        self.hooks = []

    def load(self, name):
        module = types.ModuleType(name)
        exec(compile(SOURCE, name, "exec"), module.__dict__)
        self.hooks.append(module.hook)


manager = PluginManager()


def step(i):
    manager.load("plugin")
    manager.hooks[-1](i)
