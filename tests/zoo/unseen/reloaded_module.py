"""A module is reloaded, and at each reload adds its handler to a list of another module."""
# leaked: function|Handler|type
# holder: handlers
import importlib
import os
import sys
import tempfile

folder = tempfile.mkdtemp()
with open(os.path.join(folder, "unseen_plugin.py"), "w") as file:
    file.write("import unseen_host\nclass Handler:\n    rules = ['a']\n    def run(self): pass\n"
               "unseen_host.handlers.append(Handler())\n")
with open(os.path.join(folder, "unseen_host.py"), "w") as file:
    file.write("handlers = []\n")
sys.path.insert(0, folder)
import unseen_host
import unseen_plugin


def step(i):
    importlib.reload(unseen_plugin)
