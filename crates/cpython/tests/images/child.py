"""A program that writes down what its interpreter has, and then waits until its input is closed.

child.py SCENARIO FILE     FILE gets lines: a word, then numbers or names
"""

import builtins
import contextvars
import gc
import os
import sys
import threading
import types

SCENARIO, SAID = sys.argv[1:]
variable = contextvars.ContextVar("variable", default=None)


class Plain:
    pass


def subinterpreter(code):
    if sys.version_info >= (3, 13):
        import _interpreters as module

        number = module.create()
    else:
        import _xxsubinterpreters as module

        number = module.create()
    module.run_string(number, code)
    return number


def waiter(marker, lock, ready):
    held_by_waiter = [marker]
    ready.release()
    lock.acquire()
    return held_by_waiter


def report():
    # Objects that are made after the list are not in it: from here on none is made that the collector knows.
    lines = [
        f"version {sys.version_info[1]} {sys.version_info[2]}",
        f"namespaces {id(sys.modules)} {id(sys.__dict__)} {id(builtins.__dict__)}",
        "types "
        + " ".join(
            str(id(of))
            for of in (
                str,
                int,
                dict,
                list,
                set,
                tuple,
                type((lambda a: lambda: a)(0).__closure__[0]),
                contextvars.ContextVar,
            )
        ),
        f"class {id(Plain)}",
        f"threads {len(sys._current_frames())}",
        "modules " + " ".join(sorted(sys.modules)),
        f"frozen {gc.get_freeze_count()}",
        f"collector {int(gc.isenabled())} " + " ".join(map(str, gc.get_threshold())),
        "statistics " + " ".join(str(of[name]) for name in ("collections", "collected") for of in gc.get_stats()),
    ]
    statics = [of for of in object.__subclasses__() if not of.__flags__ & 1 << 9]
    for of in statics:
        lines.append(f"static {id(of)} {id(gc.get_referents(of.__dict__)[0])}")
    del statics, of
    with open(SAID, "w") as file:
        file.write("\n".join(lines))
        del lines
        objects = gc.get_objects()
        file.write(f"\nown {id(objects)}")
        for one in objects:
            file.write(f"\nobject {id(one)}")
        del one
        file.flush()
        os.write(1, b"!")
        os.read(0, 1)
        os._exit(0)


def outer(marker):
    local_of_outer = {"marker": marker}
    report()
    return local_of_outer


def main():
    gc.disable()
    if SCENARIO == "frozen":
        kept = [[number] for number in range(1000)]
        gc.freeze()
        gc.collect()
        outer(kept)
    elif SCENARIO == "threads":
        ready = threading.Semaphore(0)
        lock = threading.Lock()
        lock.acquire()
        for _ in range(3):
            threading.Thread(target=waiter, args=("marker", lock, ready), daemon=True).start()
            ready.acquire()
        outer("marker")
    elif SCENARIO == "subinterpreter":
        other = subinterpreter("import json, collections; kept = [[n] for n in range(100)]")
        # Up to 3.12 it ends with the object that names it.
        outer("marker")
        del other
    elif SCENARIO == "collecting":

        def at_work(phase, info):
            if phase == "start":
                outer("marker")

        gc.callbacks.append(at_work)
        gc.collect()
    elif SCENARIO == "ending":

        class Last:
            # What it needs, as names go first.
            def __del__(self, write=os.write, read=os.read, leave=os._exit):
                write(1, b"!")
                read(0, 1)
                leave(0)

        with open(SAID, "w") as file:
            file.write(f"version {sys.version_info[1]} {sys.version_info[2]}")
        builtins.last = Last()
    elif SCENARIO == "finalizer":

        class Cycle:
            def __init__(self):
                self.me = self

            def __del__(self):
                outer("marker")

        Cycle()
        gc.collect()
    else:

        def generator():
            held_by_generator = Plain()
            yield held_by_generator

        started = generator()
        next(started)
        kept = [types.SimpleNamespace(a=started), [Plain() for _ in range(10000)]]
        outer(kept)


main()
