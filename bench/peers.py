"""The libraries to compare with, at pinned versions, each installed once into a folder of its own.

Invariant: nothing is installed into the environment that runs the benchmark, so that a peer stands on the path of
its own rows only (mem_top 0.2.1 has our own module's name). Nothing is imported here.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A release on PyPI."""

    name: str
    version: str

    @property
    def folder_name(self) -> str:
        """The name of the folder that the release is installed into."""
        return f"{self.name}-{self.version}"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


MEM_TOP = Peer("mem_top", "0.2.1")
OBJGRAPH = Peer("objgraph", "3.7.0")
GUPPY = Peer("guppy3", "3.1.7")
PYMPLER = Peer("Pympler", "1.1")


class PeerError(Exception):
    """A peer could not be installed; the text says why."""


def install(peer: Peer, cache: Path) -> Path:
    """The folder with the peer, for this interpreter; installs it with pip if it is not there yet.

    Raises PeerError.
    """
    folder = cache / f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}" / peer.folder_name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Installed beside, then renamed: a folder of that name is always complete.
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=folder.parent) as beside:
        target = Path(beside) / peer.folder_name
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        # None of them needs another package to run; they are left out so that each version here is a pinned one.
        command += ["--root-user-action=ignore", "--no-deps", "--target", str(target), f"{peer.name}=={peer.version}"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""}
        )
        if done.returncode != 0:
            last = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()][-1:]
            raise PeerError(f"{peer} could not be installed: {' '.join(last) or 'pip said nothing'}")
        target.rename(folder)
    return folder
