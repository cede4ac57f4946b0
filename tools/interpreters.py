#!/usr/bin/env python3
"""Finds CPython 3.8 to 3.15 on this machine, and fetches 3.14 and 3.15 on Debian (x86-64).

    tools/interpreters.py            a table; exit status 0 if all are there, 1 if some are not
    tools/interpreters.py --json     {"3.8": "/…/python3.8", …} of those that are there

Looked for: `pythonX.Y` on PATH, pyenv's versions, and what was fetched before. Each is run before it is believed.
Debian unstable's packages are unpacked into .cache/interpreters, with their own C library, beside the system's and
without touching its package manager's state. That needs patchelf, which is installed if the user is root.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSIONS = [f"3.{minor}" for minor in range(8, 16)]
FETCHABLE = {"3.14", "3.15"}
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "interpreters"
PROBE = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2], sys.implementation.name, bool(sysconfig.get_config_var('Py_GIL_DISABLED')))"
PACKAGES = (
    "python{0}-minimal libpython{0}-minimal libpython{0}-stdlib libpython{0}-dev libc6 libexpat1 zlib1g libgcc-s1 "
    "libzstd1 libssl3t64 libffi8 libbz2-1.0 liblzma5 libuuid1 libsqlite3-0"
)


class Failed(Exception):
    """Why an interpreter could not be had, and what to do about it."""


def is_wanted(path: str, version: str) -> bool:
    try:
        run = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0 and run.stdout.split() == [version, "cpython", "False"]


def candidates(version: str) -> list[str]:
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found = glob.glob(f"{pyenv}/versions/{version}.*/bin/python{version}")
    on_path = shutil.which(f"python{version}")
    return [*found, *([on_path] if on_path else []), str(CACHE / version / "usr" / "bin" / f"python{version}")]


def find(version: str) -> str | None:
    return next((path for path in candidates(version) if is_wanted(path, version)), None)


def run(*command: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"`{' '.join(command[:3])} …` failed: {done.stderr.strip()[-500:]}")


def mirror() -> str:
    for source in Path("/etc/apt/sources.list.d").glob("*.sources"):
        for line in source.read_text().splitlines():
            if line.startswith("URIs:"):
                return line.split()[1]
    listed = Path("/etc/apt/sources.list")
    for line in listed.read_text().splitlines() if listed.exists() else []:
        words = [word for word in line.split() if not word.startswith("[")]
        if words[:1] == ["deb"]:
            return words[1]
    raise Failed("no Debian mirror is known to apt\nhint: add one to /etc/apt/sources.list.d")


def fetch(version: str) -> str:
    if not shutil.which("apt-get") or platform.machine() != "x86_64":
        raise Failed(f"it is fetched on Debian on x86-64 only\nhint: pyenv install {version}")
    if not shutil.which("patchelf"):
        if os.geteuid() != 0:
            raise Failed("patchelf is missing\nhint: apt-get install patchelf")
        run("apt-get", "-qq", "update")
        run("apt-get", "-qq", "install", "-y", "patchelf")
    destination = CACHE / version
    unpacked = CACHE / f"{version}.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.rmtree(destination, ignore_errors=True)
    unpacked.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for folder in ("lists/partial", "cache/archives/partial", "debs"):
            (work / folder).mkdir(parents=True)
        keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        (work / "sources.list").write_text(f"deb [signed-by={keyring}] {mirror()} sid main\n")
        (work / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{work}/sources.list";\nDir::Etc::sourceparts "-";\nDir::State::lists "{work}/lists";\n'
            f'Dir::Cache "{work}/cache";\nDir::State::status "/dev/null";\nAcquire::Languages "none";\n'
            f'APT::Sandbox::User "root";\n'
        )
        apt = {**os.environ, "APT_CONFIG": str(work / "apt.conf")}
        run("apt-get", "-qq", "update", environment=apt)
        packages = PACKAGES.format(version).split()
        run("apt-get", "-qq", "download", *packages, cwd=work / "debs", environment=apt)
        for package in sorted((work / "debs").glob("*.deb")):
            run("dpkg", "-x", str(package), str(unpacked))
    unpacked.rename(destination)
    # Their own C library: the system's may be older. Absolute, so that a virtual environment's copy finds it too.
    libraries = destination / "usr" / "lib" / "x86_64-linux-gnu"
    python = destination / "usr" / "bin" / f"python{version}"
    run("patchelf", "--set-interpreter", str(libraries / "ld-linux-x86-64.so.2"), str(python))
    run("patchelf", "--force-rpath", "--set-rpath", str(libraries), str(python))
    if not is_wanted(str(python), version):
        raise Failed("it was fetched, and does not run here")
    return str(python)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print those that are there as JSON, and fetch nothing")
    arguments = parser.parse_args()
    found = {version: path for version in VERSIONS if (path := find(version))}
    if arguments.json:
        print(json.dumps(found))
        return 0
    missing = {}
    for version in VERSIONS:
        if version not in found and version in FETCHABLE:
            print(f"CPython {version}: fetching from Debian unstable", file=sys.stderr, flush=True)
            try:
                found[version] = fetch(version)
            except Failed as error:
                missing[version] = str(error)
        elif version not in found:
            missing[version] = f"not found on PATH or in pyenv\nhint: pyenv install {version}"
    for version in VERSIONS:
        where = found.get(version) or "missing: " + missing[version].replace("\n", "\n      ")
        print(f"{version:5} {where}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
