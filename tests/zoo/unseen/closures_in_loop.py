"""Handlers made in a loop close over one big table each, and stay in the command map."""
# leaked: function|cell|list|tuple
# holder: commands
class Shell:
    def __init__(self):
        self.commands = {}

    def define(self, name, n):
        table = [n] * 20

        def run(index):
            return table[index]

        self.commands[name] = run


shell = Shell()


def step(i):
    shell.define("cmd%d" % i, i)
    shell.commands["cmd%d" % i](3)
