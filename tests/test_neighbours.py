"""What shares a process with mem_top is left alone: the program's names, other interpreters, memory that is scarce."""

import subprocess
import sys
import textwrap

import pytest


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def test_no_name_of_main_is_set() -> None:
    done = run("""
        from mem_top import mem_top
        mem_top()  # makes the names that belong here
        before = after = None
        before = dict(globals())
        mem_top()
        after = dict(globals())
        del after["before"], before["before"]
        assert after.keys() == before.keys() and all(after[key] is before[key] for key in before if key != "after")
    """)
    assert done.returncode == 0, done.stderr
    done = run("""
        import sys
        sys.modules["__main__"].__dict__.update(dict.fromkeys("abcdefghijklmnopqrstuvwxyz", "mine"))
        from mem_top import mem_top
        mem_top()
        mem_top(safe=True)
        assert all(globals()[name] == "mine" for name in "abcdefghijklmnopqrstuvwxyz"), globals()
    """)
    assert done.returncode == 0, done.stderr


def test_no_name_of_main_is_read() -> None:
    done = run("""
        import builtins
        for name in dir(builtins):
            if name[0].islower() and name not in ("print", "globals"):
                globals()[name] = "shadowed"
        from mem_top import _native, mem_top
        mem_top()
        assert _native.walks_lists()
    """)
    assert done.returncode == 0, done.stderr


SECOND_INTERPRETER = """
    import sys
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    first, kind = sys.argv[1:]
    code = '''
    try:
        import mem_top
    except ImportError as error:
        print("inner:", str(error).splitlines()[0])
    else:
        print("inner: imported", len(mem_top.mem_top()) > 100)
    '''
    import textwrap
    code = textwrap.dedent(f"import sys; sys.path[:] = {sys.path!r}\\n") + textwrap.dedent(code)

    def inner():
        try:
            other = interpreters.create(kind)
        except TypeError:  # to 3.12, a bool
            other = interpreters.create(isolated=kind == "isolated")
        interpreters.run_string(other, code)
        interpreters.destroy(other)

    def outer():
        try:
            import mem_top
        except ImportError as error:
            print("outer:", str(error).splitlines()[0], flush=True)
        else:
            keep = [[n] for n in range(100_000)]
            print("outer: imported", len(mem_top.mem_top()) > 100, flush=True)

    for each in (inner, outer) if first == "inner" else (outer, inner, outer):
        each()
    sys.stdout.flush()
"""


@pytest.mark.parametrize("first", ["outer", "inner"])
@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_a_second_interpreter_is_refused(first: str, kind: str) -> None:
    done = run(SECOND_INTERPRETER, first, kind)
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    if kind == "isolated" and sys.version_info >= (3, 12):
        # CPython's own refusal, before any code of the extension is run.
        assert "does not support loading in subinterpreters" in said["inner"]
        assert said["outer"] == "imported True"
        return
    second = "inner" if first == "outer" else "outer"
    assert said[first] == "imported True"
    assert "works in one interpreter per process" in said[second]


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS and /proc are Linux's")
@pytest.mark.parametrize("room", [0, 1, 4, 16, 24, 32])
@pytest.mark.parametrize("limit", [10, None])
def test_where_the_rows_have_no_room_it_is_a_memory_error(room: int, limit: int | None) -> None:
    done = run(f"""
        import resource
        from mem_top import _native

        class Sized(list):
            def __sizeof__(self):
                return 100

        keep = [Sized() for _ in range(400_000)] + [[n] for n in range(200_000)]
        _native.count(1, None, False)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ({room} << 20), resource.RLIM_INFINITY))
        try:
            _native.count({limit}, None, False)
        except MemoryError:
            pass
        else:
            assert {limit} == 10 and {room} >= 16
    """)
    assert done.returncode == 0, done.stderr
