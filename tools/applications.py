#!/usr/bin/env python3
"""Measures mem_top on real applications under load, and writes the tables in docs/accuracy.md.

    tools/applications.py                      everything
    tools/applications.py --only django        one application; may be repeated
    tools/applications.py --only programs      the account of memory
    tools/applications.py --again              the same snapshots, judged again, by a newer mem_top

Each application has its own environment with pinned versions in .cache/applications. It is run twice, as it is and with
a planted leak, with light load on the loopback interface; the snapshots are kept. The exit status is 1 if an accusation
is false or has no entry in tests/applications/expected.toml, if a planted leak was missed, if an application could not
be measured, or if too much memory is unexplained. One application runs at a time, but expect 4 minutes for each.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

if sys.version_info < (3, 11):
    sys.exit("error: this tool needs CPython 3.11 or later\nhint: make applications PYTHON=python3.12")

import tomllib

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "tests" / "applications"
sys.path.insert(0, str(HERE))

from measuring import account, series, tables  # noqa: E402
from measuring import accusations as judge  # noqa: E402
from measuring.application import ApplicationError, load, names  # noqa: E402
from measuring.environments import CACHE  # noqa: E402

PAGE = ROOT / "docs" / "accuracy.md"


def answers(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the answers of a run by the names of their folders, which say pattern, role and process."""
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("*/answer.json"))}


def result(name: str, entries: list[judge.Known]) -> tables.Measured | None:
    """Returns the result of an application from what was kept, if there is any."""
    folder = CACHE / "runs" / name
    if not (folder / "facts.json").exists():
        return None
    facts = json.loads((folder / "facts.json").read_text())
    app = load(name)
    plain = answers(folder / "plain")
    accusations = [
        one for where, answer in plain.items() for one in judge.accusations(name, where.rpartition("-")[0], answer)
    ]
    named: dict[str, list[str]] = {}
    extra = []
    for where, answer in answers(folder / "planted").items():
        pattern, role, _ = where.rsplit("-", 2)
        holder = app.planted[role]
        named.setdefault(pattern.replace("_", " "), []).append(judge.naming(answer, holder))
        # The planted leak itself, and what is in it, are right.
        others = [one for one in judge.accusations(name, role, answer) if not re.search(holder, one.holder)]
        extra += others
    return tables.Measured(
        name=name,
        title=facts["title"],
        version=facts["version"],
        python=facts["python"],
        processes=len(plain),
        accusations=judge.classify(accusations, entries),
        named=named,
        extra=judge.classify(extra, entries),
    )


def accounted(name: str) -> tables.Accounted | None:
    path = CACHE / "programs" / name / "answer.json"
    if not path.exists():
        return None
    answer = json.loads(path.read_text())
    rss = answer["memory"]["rss"]
    return tables.Accounted(
        account.about(name),
        rss[-1] or 0,
        (rss[-1] or 0) - (rss[0] or 0),
        judge.without_a_holder(answer),
        judge.unexplained(answer),
        account.LIBRARIES.get(name, ""),
    )


def complaints(results: list[tables.Measured], programs: list[tables.Accounted]) -> list[str]:
    """Lists what is wrong, a line each."""
    found = []
    for one in results:
        for accusation in [*one.accusations, *one.extra]:
            if accusation.kind in ("false", judge.UNKNOWN):
                where = f"{one.name} ({accusation.role}): {accusation.holder} ({accusation.leaked})"
                found.append(f"{accusation.kind}: {where}: {accusation.bytes:+,} B, {list(accusation.growth)}")
        for pattern, words in one.named.items():
            if missed := words.count("missed"):
                found.append(
                    f"missed: {one.name}: the planted leak, traffic {pattern}, in {missed} of {len(words)} processes"
                )
    for program in programs:
        if program.wrong():
            rest = program.unexplained if program.library else program.without_a_holder
            shares = (
                f"{tables.percent(rest.of_resident)} of resident memory, {tables.percent(rest.of_growth)} of growth"
            )
            found.append(f"unexplained: {program.about}: {shares}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--command", type=Path, default=ROOT / ".venv" / "bin" / "mem_top", help="the mem_top to measure"
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="an application, or `programs`; may be repeated"
    )
    parser.add_argument("--part", choices=["plain", "planted"], help="only as it is, or only with the planted leak")
    parser.add_argument("--take", action="store_true", help="take the snapshots only; judge them later with --again")
    parser.add_argument("--again", action="store_true", help="judge the kept snapshots again, start nothing")
    parser.add_argument("--tables", action="store_true", help="write the tables of the answers at hand, run nothing")
    parser.add_argument("--lock", action="store_true", help="write requirements.lock with all versions")
    parser.add_argument("--no-page", action="store_true", help="leave docs/accuracy.md as it is")
    arguments = parser.parse_args()
    # The applications are ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by a signal"))
    if not arguments.command.exists():
        sys.exit(f"error: no command {arguments.command}\nhint: run make build, or give --command")
    command = series.MemTop(arguments.command.resolve())
    try:
        entries = judge.known(tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, judge.ExpectationError) as error:
        sys.exit(f"error: {error}\nhint: see tests/applications/README.md")
    wanted = arguments.only or [*names(), "programs"]
    if unknown := set(wanted) - {*names(), "programs"}:
        sys.exit(
            f"error: no application {', '.join(sorted(unknown))}\nhint: there are {', '.join(names())} and programs"
        )
    parts = {arguments.part} if arguments.part else {"plain", "planted"}
    failed = []
    for name in wanted if not arguments.tables else ():
        start = time.monotonic()
        try:
            if name == "programs":
                for program in account.names():
                    if not arguments.again:
                        account.measure(program, command, arguments.lock)
                    if not arguments.take and (CACHE / "programs" / program).exists():
                        account.judge(program, command)
            else:
                if not arguments.again:
                    series.measure(name, command, parts, arguments.lock)
                if not arguments.take:
                    series.judge(name, command)
        except (ApplicationError, OSError) as error:
            failed.append(name)
            print(f"failed: {name}: {error}", flush=True)
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    if arguments.take:
        return 1 if failed else 0
    results = [one for name in names() if (one := result(name, entries))]
    programs = [one for name in account.names() if (one := accounted(name))]
    texts = {"applications": tables.applications(results, list(series.PATTERNS)), "programs": tables.programs(programs)}
    print("\n\n".join(texts.values()))
    if not arguments.no_page:
        page = PAGE.read_text(encoding="utf-8")
        for name, text in texts.items():
            page = tables.put(page, name, text)
        PAGE.write_text(page, encoding="utf-8")
    wrong = complaints([one for one in results if one.name in wanted], programs if "programs" in wanted else [])
    print("", *wrong, sep="\n")
    print(f"{len(results)} applications, {len(programs)} programs: {len(wrong)} complaints, {len(failed)} failed")
    return 1 if wrong or failed else 0


if __name__ == "__main__":
    sys.exit(main())
