"""Real libraries with code in C, C++, Rust and Cython, alive and busy, captured unharmed and told alike by both looks.

Each is a program in `libraries/`, whose head says which distributions it `requires` and which module it `builds`, and with `unseen` which share of its objects one of the looks does not find. What
is not installed is skipped, unless this is `make torture` (`TORTURE_ENVIRONMENT` is set): there it is a failure, but for
what the requirements of that environment name as not to be had, with the reason.
"""

import concurrent.futures
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import judge
import pytest
from extension import CannotBuild, built
from test_torture import CAN_BE_CAPTURED

TORTURE = Path(__file__).resolve().parent
LIBRARIES = TORTURE / "libraries"
ENVIRONMENT = os.environ.get("TORTURE_ENVIRONMENT")
VERSION = f"3.{sys.version_info.minor}"
pytestmark = CAN_BE_CAPTURED
UNSEEN = 0.02
"""The share of objects that one of the two looks may not see: constants in variables of C, which Cython makes and to
which no traverse leads, from outside alone; what stands behind pointers in the state of a module from within alone. 0.2
to 1.3 % were seen. A program with another share says so in its head, with the reason."""
PROGRAMS = sorted(path.stem for path in LIBRARIES.glob("*.py"))


def header(program: str, name: str) -> list[str]:
    found = re.search(rf"^# {name}: (.+)$", (LIBRARIES / f"{program}.py").read_text(), re.MULTILINE)
    return found[1].split() if found else []


def unseen(program: str) -> float:
    said = header(program, "unseen")
    return float(said[0]) if said else UNSEEN


def not_to_be_had(distribution: str) -> str | None:
    """Why this Python has none, as the requirements of the environment say: `# none: NAME on VERSIONS: REASON`."""
    if ENVIRONMENT:
        requirements = (TORTURE / f"requirements-{ENVIRONMENT}.txt").read_text()
        for name, versions, reason in re.findall(r"^# none: (\S+) on ([\d. ]+): (.+)$", requirements, re.MULTILINE):
            if name == distribution and VERSION in versions.split():
                return reason
    return None


def missing(program: str) -> str | None:
    """Why the program cannot run here; fails if it should."""
    for distribution in header(program, "requires"):
        try:
            importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            reason = not_to_be_had(distribution)
            if ENVIRONMENT and reason is None:
                raise AssertionError(
                    f"{distribution} is not installed\nhint: add it to requirements-{ENVIRONMENT}.txt, or say there why not"
                ) from None
            return reason or f"{distribution} is not installed: `make torture` has it"
    return None


def build(program: str, folder: Path) -> None:
    """Compiles what the program imports, with what is installed here."""
    for name in header(program, "builds"):
        source = LIBRARIES / name
        flags: list[str] = []
        if source.suffix == ".pyx":
            generated = folder / f"{source.stem}.c"
            copied = shutil.copy(source, folder)
            cython = [sys.executable, "-m", "cython", "-3", str(copied), "-o", str(generated)]
            done = subprocess.run(cython, capture_output=True, text=True)
            if done.returncode != 0:
                raise CannotBuild(f"Cython failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
            source = generated
        elif source.stem.startswith("pybind11"):
            import pybind11

            flags = ["-std=c++17", "-fvisibility=hidden", f"-I{pybind11.get_include()}"]
        elif source.stem.startswith("nanobind"):
            import nanobind

            library = Path(nanobind.__file__).parent / "src"
            maps = library.parent / "ext" / "robin_map" / "include"
            flags = [
                "-std=c++17",
                "-fvisibility=hidden",
                "-fno-strict-aliasing",
                f"-I{nanobind.include_dir()}",
                f"-I{maps}",
            ]
            # Newer versions have one file that includes the others.
            combined = library / "nb_combined.cpp"
            flags += ["-DNDEBUG", *map(str, [combined] if combined.exists() else sorted(library.glob("*.cpp")))]
        built(folder, source, source.stem, *flags)


def run_program(program: str, folder: Path) -> judge.Outcome | str:
    """The outcome, or why there is none."""
    reason = missing(program)
    if reason is not None:
        return reason
    try:
        build(program, folder)
    except CannotBuild as error:
        if os.environ.get("CI") or ENVIRONMENT:
            raise
        return str(error)
    return judge.run(LIBRARIES / f"{program}.py", path=[folder], unseen=unseen(program))


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable]:
    """Gives what became of a program. All that are to be tested run side by side from the first one on."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        selected = [item.callspec.params["program"] for item in request.session.items if item.path == request.path]
        outcomes = {one: pool.submit(run_program, one, tmp_path_factory.mktemp(one)) for one in selected}
        yield lambda program: outcomes[program].result()
        for one in outcomes.values():
            one.cancel()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_busy_library(outcome: Callable[[str], judge.Outcome | str], program: str) -> None:
    result = outcome(program)
    if isinstance(result, str):
        pytest.skip(result)
    result.check()
