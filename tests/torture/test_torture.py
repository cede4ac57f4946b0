"""The torture suite: extensions that lie, programs that override everything, captured unharmed, and told truly.

Each case is a program of its own in `tests/torture`, looked into from within and from outside; `judge.py` says what must
be right. They run side by side, as many as there are processors; how long all took is said at the end.
"""

import concurrent.futures
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import judge
import pytest
from extension import CannotBuild, built
from names import NAMES

TORTURE = Path(__file__).resolve().parent
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
IMPOSTORS = ["_queue", "_elementtree", "_multiarray_umath", "_decimal"]
"""Names of extension modules that the lying one is built under once more."""
TOGETHER = 6
"""So many names share a process: to start one and to look into it takes longer than what is looked at."""
TOOK: list[float] = []
"""How long all cases took together, in seconds."""

CAN_BE_CAPTURED = [
    pytest.mark.skipif(sys.platform != "linux", reason="other processes are read on Linux only"),
    pytest.mark.skipif(
        hasattr(os, "geteuid") and os.geteuid() != 0 and YAMA.exists() and YAMA.read_text().strip() not in ("0", "1"),
        reason="a child may not be traced here",
    ),
]

pytestmark = CAN_BE_CAPTURED

Run = Callable[[str, str], judge.Outcome]


def cases(program: str) -> list[str]:
    """The cases of a program: its functions that are marked as such."""
    found = re.findall(r"^@case\ndef (\w+)", (TORTURE / program).read_text(), re.MULTILINE)
    return [name.replace("_", "-") for name in found]


LIES = [*cases("lies.py"), *NAMES]
ODD = cases("odd_programs.py")


@pytest.fixture(scope="module")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the extension modules."""
    folder = tmp_path_factory.mktemp("extensions")
    try:
        for name in ["lying_types", *IMPOSTORS]:
            built(folder, TORTURE / "lying_types.c", name, f"-DMODULE={name}")
    except CannotBuild as reason:
        pytest.fail(str(reason)) if os.environ.get("CI") else pytest.skip(str(reason))
    return folder


def run_together(names: list[str], extensions: Path) -> dict[str, judge.Outcome]:
    """The outcomes of types with these names: in one process, or each in its own if something is wrong with that one."""
    together = judge.run(TORTURE / "lies.py", ",".join(names), path=[extensions])
    if not together.failures:
        return dict.fromkeys(names, together)
    alone = {name: judge.run(TORTURE / "lies.py", name, path=[extensions]) for name in names}
    return alone if any(one.failures for one in alone.values()) else dict.fromkeys(names, together)


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, extensions: Path) -> Iterator[Run]:
    """Gives the outcome of a case. All that are to be tested run side by side from the first one on."""
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes: dict[tuple[str, str], Callable[[], judge.Outcome]] = {}
        selected = [item.callspec.params for item in request.session.items if item.path == request.path]
        names = [one["name"] for one in selected if one["name"] in NAMES]
        for first in range(0, len(names), TOGETHER):
            group = names[first : first + TOGETHER]
            future = pool.submit(run_together, group, extensions)
            for name in group:
                outcomes["lies.py", name] = lambda future=future, name=name: future.result()[name]
        for one in selected:
            key = (one["program"], one["name"])
            if key not in outcomes:
                outcomes[key] = pool.submit(judge.run, TORTURE / key[0], key[1], path=[extensions]).result
        yield lambda program, name: outcomes[program, name]()
        pool.shutdown(cancel_futures=True)
    TOOK.append(time.monotonic() - start)


@pytest.mark.parametrize("name", LIES)
@pytest.mark.parametrize("program", ["lies.py"])
def test_types_that_lie(run: Run, program: str, name: str) -> None:
    run(program, name).check()


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("program", ["odd_programs.py"])
def test_odd_programs(run: Run, program: str, name: str) -> None:
    run(program, name).check()
