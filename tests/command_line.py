"""Runs the command `mem_top` for tests, and has a program that leaks for it to read."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")

ON_LINUX = [
    pytest.mark.skipif(sys.platform != "linux", reason="other processes are read on Linux only"),
    pytest.mark.skipif(
        hasattr(os, "geteuid") and os.geteuid() != 0 and YAMA.exists() and YAMA.read_text().strip() != "0",
        reason="who is not root may trace descendants only here",
    ),
]

LEAKS = """
import time

class Session:
    def __init__(self, number):
        self.number = number
        self.cart = [number]

class Registry:
    def __init__(self):
        self.by_token = {}

registry = Registry()

def serve(seconds):
    number, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(20):
            number += 1
            registry.by_token[f"tok-{number}"] = Session(number)
        time.sleep(0.02)
"""
HOLDER = "__main__.registry.by_token"
# On a busy machine a pause is long; a test does not wait for a hundred times as long.
FAST = ("--budget", "100%")

Start = Callable[..., "subprocess.Popen[str]"]
"""The fixture `start`, which starts a program of the given source."""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "mem_top", *map(str, arguments)]


def mem_top(*arguments: object, timeout: float = 300, **how: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=timeout, check=False, **how)


def answer(*arguments: object, status: int = 0, **how: Any) -> Any:
    """The answer as JSON."""
    done = mem_top(*arguments, "--json", **how)
    assert done.returncode == status, done.stderr + done.stdout
    return json.loads(done.stdout)


def fails(*arguments: object, **how: Any) -> tuple[str, list[str]]:
    """Why it failed, and the hints."""
    done = mem_top(*arguments, **how)
    assert (done.returncode, done.stdout) == (2, ""), done
    error, *hints = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert all(hint.startswith("hint: ") for hint in hints), done.stderr
    return error.removeprefix("error: "), [hint.removeprefix("hint: ") for hint in hints]


def runs_on(child: "subprocess.Popen[str]") -> bool:
    """Whether it is neither ended, nor stopped, nor traced by anybody."""
    state = Path(f"/proc/{child.pid}/status").read_text()
    return child.poll() is None and bool(re.search(r"^State:\t[SRD] ", state, re.M)) and "TracerPid:\t0\n" in state
