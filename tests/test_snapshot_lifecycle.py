"""Captures of the heap at odd times, and what a capture leaves alone: counts, `__dict__`s, the program's own code.

What must not meet pytest's heap, or may not come back, runs in a process of its own.
"""

import gc
import os
import sys
import threading

import pytest

import mem_top


class Known:
    """What a capture is asked for, to tell whether it is whole."""

    def __init__(self) -> None:
        self.cart = [object()]


def knows(snapshot: mem_top.Snapshot, known: Known) -> bool:
    """Whether the object is there, not as garbage, with what it refers to, and a path that leads to it."""
    row = snapshot._native._object(id(known))
    if row is None or row[4] & 2 or not row[1].endswith("Known"):
        return False
    held = snapshot._native._object(id(known.cart))
    return held is not None and held[1] == "list" and bool(snapshot.why(known).paths)


def in_pieces(snapshot: mem_top.Snapshot) -> bool:
    """Whether it says that the collector's lists were in pieces, and has what there is without them.

    What is missing then no root reaches: what C code alone holds, such as parts of static types.
    """
    usual = mem_top.snapshot()
    assert not any("collector" in note for note in usual.notes)
    assert 0.95 * usual.objects <= snapshot.objects <= 1.01 * usual.objects
    return any("the collector was running" in note for note in snapshot.notes)


def test_from_a_callback_of_the_collector():
    known = Known()
    taken = {}

    def callback(phase, info):
        taken[phase] = mem_top.snapshot()

    gc.collect()
    gc.callbacks.append(callback)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(callback)
    assert set(taken) == {"start", "stop"}
    for snapshot in taken.values():
        assert knows(snapshot, known)
        assert in_pieces(snapshot)
    assert gc.isenabled()


def test_from_a_finalizer_in_the_middle_of_a_collection():
    known = Known()
    taken = []

    class Dying:
        def __del__(self):
            taken.append(mem_top.snapshot())

    dying = Dying()
    dying.itself = dying
    del dying
    gc.collect()
    assert knows(taken[0], known)
    assert in_pieces(taken[0])


def test_with_threads_that_run():
    class Left:
        pass

    class Right:
        pass

    stop = threading.Event()

    def churn():
        while not stop.is_set():
            # Made and let go of as pairs, within one bytecode of each other at most.
            kept = [(Left(), Right()) for _ in range(1000)]
            kept.clear()

    def count(snapshot, of):
        return sum(row[1].endswith(of.__qualname__) for row in snapshot._native._rows())

    known = Known()
    pairs = [(Left(), Right()) for _ in range(1000)]
    threads = [threading.Thread(target=churn) for _ in range(4)]
    previous = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for _ in range(3):
            snapshot = mem_top.snapshot()
            assert knows(snapshot, known)
            left, right = count(snapshot, Left), count(snapshot, Right)
            assert left >= len(pairs)
            # Each thread can be between the two of one pair.
            assert abs(left - right) <= len(threads)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(previous)


def test_from_two_threads_at_once():
    known = Known()
    taken = []
    threads = [threading.Thread(target=lambda: taken.append(mem_top.snapshot())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 4
    assert all(knows(snapshot, known) for snapshot in taken)


# A worker of pytest-xdist has a thread of its own, and CPython warns of a fork beside one.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_in_a_forked_child(tmp_path):
    known = Known()
    before = mem_top.snapshot()
    child = os.fork()
    if child == 0:
        # Whatever goes wrong, no second pytest runs on.
        try:
            snapshot = mem_top.snapshot()
            snapshot.save(tmp_path / "child.parquet")
            whole = knows(snapshot, known) and knows(before, known)
            os._exit(0 if whole else 3)
        except BaseException:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    loaded = mem_top.load(tmp_path / "child.parquet")
    assert f"PID {child} " in repr(loaded)
    # Not the same process: their addresses say nothing of each other.
    with pytest.raises(ValueError, match="process"):
        loaded.diff(before)
    assert knows(mem_top.snapshot(), known)


def test_at_the_end_of_the_interpreter(python):
    out = python(
        "import atexit, sys, threading, time\n"
        "import mem_top\n"
        "class Known: pass\n"
        "known = Known()\n"
        "class Late:\n"
        "    def __init__(self, name): self.name = name\n"
        "    def __del__(self, snapshot=mem_top.snapshot, write=sys.stdout.write):\n"
        "        try: write(f'{self.name} {snapshot().objects > 0}\\n')\n"
        "        except Exception as error: write(f'{self.name} {type(error).__name__}\\n')\n"
        "def last():\n"
        "    paths = mem_top.snapshot().why(known).paths\n"
        "    print('atexit', paths[0].text)\n"
        "atexit.register(last)\n"
        "held, sys.held = Late('module'), Late('sys')\n"
        "def forever():\n"
        "    while True: mem_top.snapshot()\n"
        "threading.Thread(target=forever, daemon=True).start()\n"
        "time.sleep(0.2)\n"
    ).check()
    assert "atexit __main__.known\n" in out
    # Later still, modules are taken apart, this one too: then it may raise, and no more.


SUBINTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import os, sys, textwrap
import mem_top

read, write = os.pipe()
code = textwrap.dedent(f'''
    import os, sys
    sys.path[:] = {sys.path!r}
    try:
        import mem_top
    except ImportError as error:
        os.write({write}, str(error).encode())
    else:
        os.write({write}, b"imported")
''')
other = interpreters.create()
interpreters.run_string(other, code)
print(os.read(read, 10_000).decode())
held = ["held"]
assert mem_top.snapshot().why(id(held)).paths[0].text == "__main__.held"
interpreters.destroy(other)
assert mem_top.snapshot().why(id(held)).paths[0].text == "__main__.held"
print("whole")
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="rights can be given up by root alone")
def test_in_a_process_that_gave_up_its_rights(python):
    """Such a one may not open its own memory in /proc."""
    out = python(
        "import os\n"
        "import mem_top\n"
        "kept = [object() for _ in range(1000)]\n"
        "usual = mem_top.snapshot()\n"
        # What is imported late is imported now: its files may be out of reach later.
        "usual.why(kept)\n"
        "os.setgid(65534)\n"
        "os.setuid(65534)\n"
        "try:\n"
        "    open('/proc/self/mem', 'rb').close()\n"
        "except PermissionError:\n"
        "    print('closed')\n"
        "taken = mem_top.snapshot()\n"
        "print(taken.objects > 0.99 * usual.objects, [path.text for path in taken.why(kept).paths])\n"
    ).check()
    assert out.splitlines() == ["closed", "True ['__main__.kept']"]


def test_a_second_interpreter_is_refused_and_the_first_goes_on(python):
    out = python(SUBINTERPRETER).check()
    # By CPython itself where the interpreter is isolated, by mem_top else.
    assert "does not support loading in subinterpreters" in out or "works in one interpreter per process" in out
    assert out.endswith("whole\n")


UNCHANGED = """
import array, gc, sys
import mem_top

class Plain:
    def __init__(self, number):
        self.number, self.text = number, str(number)

kept = [Plain(number) for number in range(20_000)]
weird = [{Plain(1): (Plain(2),)}, (one for one in kept), sys._getframe(), lambda: kept]
mem_top.snapshot()
gc.collect()
gc.disable()
listed = gc.get_objects()
before, after = (array.array("q", bytes(8 * len(listed))) for _ in range(2))
held, index, one, taken = 0, 0, None, None
getrefcount, get_referents, snapshot = sys.getrefcount, gc.get_referents, mem_top.snapshot
told_before = told_after = 0

def counts(into):
    for index, one in enumerate(listed):
        into[index] = getrefcount(one)

def referents():
    return sum(len(get_referents(one)) for one in kept)

counts(before); counts(after)
told_before = referents()
counts(before)
snapshot()
counts(after)
told_after = referents()
differ = [(type(listed[index]), before[index], after[index]) for index in range(len(listed)) if before[index] != after[index]]
print(len(listed), told_before == told_after, differ)
del listed, one
blocks, number = sys.getallocatedblocks(), len(gc.get_objects())
for _ in range(3):
    snapshot()
print(len(gc.get_objects()) - number)
print(sys.getallocatedblocks() - blocks)
"""


def test_no_count_changes_and_no_dict_comes_to_be(python):
    counts, more, grown = python(UNCHANGED).check().splitlines()
    number, same_referents, differ = counts.split(" ", 2)
    assert int(number) > 20_000
    assert same_referents == "True"
    assert differ == "[]"
    assert int(more) <= 1
    # A dict for each instance would be 20,000 blocks of pymalloc's at least.
    assert int(grown) < 1000


def test_no_code_of_the_program_is_run():
    ran = []

    def telling(name):
        def method(self, *arguments):
            ran.append(name)
            raise RuntimeError(name)

        return method

    names = "repr str format sizeof hash eq len iter bool getattribute reduce dir contains getitem call index".split()
    body = {f"__{name}__": telling(name) for name in names}
    for name in ("__class__", "__dict__", "__module__", "__qualname__", "__mro__", "__name__"):
        body[name] = property(telling(name))
    body["keys"] = body["items"] = body["values"] = telling("items")
    metaclass = type("Meta", (type,), {name: given for name, given in body.items() if name != "__qualname__"})
    # As text: a class takes a name of no other kind.
    body["__qualname__"] = "Nasty"
    bases = (list, dict, set, tuple, str, int, object)
    nasty = [type.__call__(type.__call__(metaclass, f"Nasty{base.__name__}", (base,), dict(body))) for base in bases]
    dict.update(nasty[1], {number: number for number in range(100)})
    addresses = [id(one) for one in nasty]
    ran.clear()
    snapshot = mem_top.snapshot(with_keys=True)
    for address in addresses:
        assert snapshot._native._object(address) is not None
        assert snapshot.why(address).paths
    str(snapshot.report())
    snapshot.why(nasty[-1])
    assert list(ran) == []
