"""Sends the tasks that standard input names, a line each. Waits for no result: failures and retries are ordinary."""

import sys

import tasks

for line in sys.stdin:
    name, number = line.split()
    getattr(tasks, name).delay(int(number))
    print("done", flush=True)
