"""The call at odd times: in a fork, at the end of the interpreter, within a collection, on a free-threaded build."""

import gc
import os
import subprocess
import sys

import pytest
from reports import sections

from mem_top import mem_top


# A worker of pytest-xdist has a thread of its own, and CPython warns of a fork beside one.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_reports():
    mem_top()
    child = os.fork()
    if child == 0:
        os._exit(0 if sections(mem_top()) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_fork_in_the_middle_of_the_call(python):
    python(
        "import os\n"
        "from mem_top import mem_top\n"
        "class Forking(list):\n"
        "    def __repr__(self):\n"
        "        pids.append(os.fork())\n"
        "        return 'forked'\n"
        "pids = []\n"
        "nasty = Forking([None] * 50_000)\n"
        "report = mem_top(refs_format='{num} {obj}', bytes_format='{num}')\n"
        "assert 'forked' in report\n"
        "report = mem_top(safe=True)\n"
        "if pids[-1] == 0:\n"
        "    os._exit(0)\n"
        "assert all(os.waitpid(pid, 0)[1] == 0 for pid in pids if pid)\n"
    ).check()


def test_within_a_collection():
    reports = []

    class Dying:
        def __del__(self):
            reports.append(mem_top())

    def callback(phase, info):
        reports.append(mem_top(collect=False))

    dying = Dying()
    dying.cycle = dying
    del dying
    gc.callbacks.append(callback)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(callback)
    assert len(reports) == 3
    for report in reports:
        assert sections(report)


def test_a_weak_reference_that_calls_back_into_it():
    import weakref

    class Gone:
        pass

    reports = []
    gone = Gone()
    kept = weakref.ref(gone, lambda _: reports.append(mem_top()))
    del gone
    assert sections(reports[0])
    assert kept


def test_the_end_of_the_interpreter(python):
    out = python(
        "import atexit, sys, threading, time\n"
        "from mem_top import mem_top\n"
        "class Late:\n"
        "    def __init__(self, name): self.name = name\n"
        "    def __del__(self, mem_top=mem_top, write=sys.stdout.write):\n"
        "        try: write(self.name + ' ' + str(len(mem_top()) > 0) + '\\n')\n"
        "        except Exception as error: write(self.name + ' ' + type(error).__name__ + '\\n')\n"
        "atexit.register(lambda: print('atexit', len(mem_top()) > 0))\n"
        "held = Late('module')\n"
        "sys.held = Late('sys')\n"
        "def forever():\n"
        "    while True: mem_top(limit=1)\n"
        "threading.Thread(target=forever, daemon=True).start()\n"
        "time.sleep(0.2)\n"
    ).check()
    assert "atexit True" in out
    # Later still, modules are taken apart, this one too: then it may raise, and no more.


def test_out_of_memory_is_an_error_and_no_crash(python):
    source = (
        "import resource, sys\n"
        "from mem_top import mem_top\n"
        "class Sized(list):\n"
        "    def __sizeof__(self): return 100\n"
        "kept = [Sized() for _ in range(300_000)]\n"
        "mem_top(limit=5)\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + int(sys.argv[1]), resource.RLIM_INFINITY))\n"
        "try: mem_top(limit=None, width=5); print('report')\n"
        "except MemoryError: print('MemoryError')\n"
        "resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "print(len(mem_top()) > 0)\n"
    )
    said = {python(source, str(room)).check().split()[0] for room in (1_000_000, 3_000_000, 20_000_000, 2_000_000_000)}
    assert said == {"MemoryError", "report"}


def test_a_free_threaded_build_is_refused_before_the_extension_is_loaded(python):
    result = python(
        "import sys\n"
        "sys.abiflags = 't'\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'mem_top._native': print('the extension was asked for')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "try: import mem_top\n"
        "except ImportError as error: print(error)\n"
    )
    assert "does not support free-threaded CPython" in result.check()
    assert "hint: " in result.out
    assert "was asked for" not in result.out


def test_it_is_cheap_to_import():
    heavy = "asyncio ctypes dataclasses inspect logging re subprocess sysconfig tempfile typing".split()
    source = (
        f"import sys; before = set(sys.modules); import mem_top; print(*(set({heavy}) & set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_it_leaves_nothing_behind():
    for _ in range(3):
        mem_top(limit=200)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(20):
        mem_top(limit=200)
        mem_top(safe=True, limit=200, verbose_types=[list], verbose_file_name=None)
    gc.collect()
    assert len(gc.get_objects()) - before <= 5


@pytest.mark.parametrize("command", [[sys.executable, "-m", "mem_top"], None])
def test_the_command(command):
    if command is None:
        command = [os.path.join(os.path.dirname(sys.executable), "mem_top")]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    import mem_top as package

    assert done.stdout == f"mem_top {package.__version__}\n"
    wrong = subprocess.run([*command, "--wrong"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stdout == ""
