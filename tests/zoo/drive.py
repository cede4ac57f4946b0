"""Runs one case of the zoo in this process, with a snapshot after each round.

    python tests/zoo/drive.py CASE.py STEPS ROUNDS [FOLDER]

STEPS is the number of steps in each round, or one number for each round in turn: 100,200,400,800.

Prints as JSON what `mem_top.leaks` says of the snapshots, and saves them as FOLDER/0.parquet and so on. What a case prints goes
to standard error. Nothing of the driver's own grows from round to round, and it collects no garbage: the case is to be
seen as it runs elsewhere.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import mem_top


def load(path: Path) -> ModuleType:
    """The case, as a module of the name `case`: so the headers call it."""
    spec = importlib.util.spec_from_file_location("case", path)
    assert spec and spec.loader
    case = importlib.util.module_from_spec(spec)
    sys.modules["case"] = case
    spec.loader.exec_module(case)
    return case


def main() -> None:
    path, rounds = Path(sys.argv[1]), int(sys.argv[3])
    folder = Path(sys.argv[4]) if len(sys.argv) > 4 else None
    steps = [int(number) for number in sys.argv[2].split(",")]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    case = load(path)
    if hasattr(case, "setup"):
        case.setup()
    snapshots: list[Any] = [None] * rounds
    done = 0
    for number in range(rounds):
        for _ in range(steps[number % len(steps)]):
            case.step(done)
            done += 1
        snapshots[number] = mem_top.snapshot(work=done)
        if folder:
            snapshots[number].save(folder / f"{number}.parquet")
    json.dump(mem_top.leaks(*snapshots).to_dict(), out)
    out.write("\n")
    out.close()


if __name__ == "__main__":
    main()
