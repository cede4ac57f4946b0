"""The command on servers, from outside: a shop with visitors, and servers with worker processes."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import FAST, HOLDER, LEAKS, ON_LINUX, Start, answer, runs_on

pytestmark = ON_LINUX

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def shop() -> Iterator["subprocess.Popen[str]"]:
    """The shop of the examples, with a visitor a hundredth of a second."""
    server = subprocess.Popen(
        [sys.executable, "-m", "shop", "--port", "0"],
        cwd=EXAMPLES,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout
    listening = re.search(r"(http://\S+)", server.stdout.readline())
    assert listening
    with visited(listening[1]):
        yield server
    server.kill()
    server.communicate()


@contextlib.contextmanager
def visited(address: str, visitors: int = 1) -> Iterator[None]:
    """Visitors without cookies, each with a new session at each request."""
    stop = threading.Event()

    def visit() -> None:
        while not stop.wait(0.01):
            with urllib.request.urlopen(address + "/", timeout=300) as page:
                page.read()

    threads = [threading.Thread(target=visit) for _ in range(visitors)]
    for thread in threads:
        thread.start()
    try:
        # What is filled once (caches, imports) is filled.
        time.sleep(2)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def is_the_shops_leak(told: Any) -> None:
    assert told["verdict"] == "leak"
    assert told["suspects"][0]["holder"] == "shop.sessions.by_token"
    assert {leaked["type"] for leaked in told["suspects"][0]["leaked"]} >= {"shop.sessions.Session"}


def test_the_leak_of_the_shop_is_named_from_outside(shop: "subprocess.Popen[str]") -> None:
    is_the_shops_leak(answer("leaks", shop.pid, "--count", 4, "--interval", "2s", *FAST, status=1))
    assert runs_on(shop)


def test_the_static_binary_needs_nothing_but_proc(shop: "subprocess.Popen[str]", tmp_path: Path) -> None:
    binary = ROOT / "dist" / "mem_top"
    tools = [shutil.which(tool) for tool in ("unshare", "mount", "chroot", "env")]
    if not binary.exists() or None in tools or os.geteuid() != 0:
        pytest.skip("`make static` makes the binary, and only root makes an empty root for it")
    (tmp_path / "proc").mkdir()
    shutil.copy(binary, tmp_path / "mem_top")
    unshare, mount, chroot, env = map(str, tools)
    inside = f'{mount} --rbind /proc "$0/proc" && exec {env} -i {chroot} "$0" /mem_top "$@"'
    arguments = ["leaks", str(shop.pid), "--count", "4", "--interval", "2s", *FAST, "--json"]
    done = subprocess.run(
        [unshare, "--mount", "sh", "-c", inside, str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "unshare failed" in done.stderr or "permission denied" in done.stderr:
        pytest.skip(f"this container makes no mounts: {done.stderr}")
    assert done.returncode == 1, done.stderr
    is_the_shops_leak(json.loads(done.stdout))


# --- Servers with workers ---

WORKERS = (
    LEAKS
    + """
import multiprocessing

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=serve, args=(120,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    print("ready", flush=True)
    try:
        for worker in workers:
            worker.join()
    finally:
        for worker in workers:
            worker.kill()
"""
)


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_a_leak_of_all_workers_is_named_once(start: Start) -> None:
    parent = start(WORKERS)
    workers = children(parent.pid)
    assert len(workers) == 3
    try:
        look = answer(parent.pid, "--children")
        assert {one["capture"]["pid"] for one in look["processes"]} == workers | {parent.pid}
        assert look["failures"] == []
        told = answer("leaks", parent.pid, "--children", "--count", 4, "--interval", "1s", *FAST, status=1)
        assert {one["pid"]: one["verdict"] for one in told["processes"]} == {
            parent.pid: "no growth",
            **dict.fromkeys(workers, "leak"),
        }
        (place,) = (one for one in told["suspects"] if one["holder"] == HOLDER)
        assert place["rank"] == 1
        assert set(place["pids"]) == workers
        assert place["items_growth_all"] > sum(place["growth"])
    finally:
        for pid in children(parent.pid):
            os.kill(pid, signal.SIGKILL)


def test_the_leak_of_a_server_is_named_once_for_all_its_workers() -> None:
    pytest.importorskip("gunicorn")
    options = ["--workers", "4", "--bind", "127.0.0.1:0", "--worker-tmp-dir", "/dev/shm"]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "shop.app:app"],
        cwd=EXAMPLES,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr
        lines = iter(server.stderr)
        address = next(found[1] for line in lines if (found := re.search(r"Listening at: (http://\S+)", line)))
        booted = 0
        while booted < 4:
            booted += "Booting worker" in next(lines)
        with visited(address, visitors=4):
            told = answer("leaks", server.pid, "--children", "--count", 4, "--interval", "3s", *FAST, status=1)
            workers = children(server.pid)
        assert len(workers) == 4
        assert {one["pid"] for one in told["processes"]} == workers | {server.pid}
        (place,) = (one for one in told["suspects"] + told["candidates"] if "by_token" in one["holder"])
        assert place["holder"] == "shop.sessions.by_token"
        assert place["rank"] == 1
        assert set(place["pids"]) == workers
        assert told["reason"].startswith("shop.sessions.by_token keeps growing in 4 of 5 processes")
    finally:
        server.terminate()
        server.communicate(timeout=300)
