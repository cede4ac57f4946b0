"""The tasks."""

import time

from visits import PLANTED, Visit

parts_seen = {}


def part(number, index):
    if PLANTED:
        parts_seen[number, index] = Visit(index)
    return [number * value for value in range(index * 20)]


def total(parts):
    return sum(map(sum, parts))


def slow(number):
    time.sleep(4)
    return number
