"""Greenlets suspended in the middle of Python and of C code, started, unstarted and dead, and one that looks."""
# requires: greenlet

import greenlet
from captures import look

main = greenlet.getcurrent()


def deep(depth, number):
    local = {"number": number}
    if depth:
        return deep(depth - 1, local)
    return main.switch(local)


def in_c(number):
    # Suspended below a call from C.
    return sorted([3, 1, 2], key=lambda one: main.switch(one) or one)


def raising():
    try:
        raise ValueError("kept")
    except ValueError:
        main.switch()


kept = []
for number in range(100):
    for run, arguments in ((deep, (number % 20, number)), (in_c, (number,)), (raising, ())):
        one = greenlet.greenlet(run)
        one.switch(*arguments)
        kept.append(one)
unstarted = [greenlet.greenlet(deep) for _ in range(10)]
dead = [greenlet.greenlet(lambda: None) for _ in range(10)]
for one in dead:
    one.switch()
kept[0].attribute = [1, 2, 3]
greenlet.greenlet(lambda: look([*kept, *unstarted, *dead])).switch()
