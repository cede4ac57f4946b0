"""IPython keeps the result of every cell."""
# leaked: .
# holder: __main__|_oh
# requires: IPython
# advice: ipython-out
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.history_manager.enabled = False


class Frame:
    def __init__(self, i):
        self.rows = [i] * 20


def step(i):
    # What a cell with an expression does at its end.
    shell.execution_count = i + 1
    shell.displayhook.exec_result = None
    shell.displayhook.update_user_ns(Frame(i))
