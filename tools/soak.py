"""A soak of the live view: 60 captures of a process with a million objects, at the default budget.

The view runs in a terminal of tmux. The process notes by itself for how long it did not get on: it sleeps for a
millisecond at a time, and what takes ten times as long counts as a stop, whoever caused it. It does so for as long
before the view starts, in which nobody stops it: what the machine itself makes of it. Fails if the view, or the process beyond
what it lost before, says that it was paused for 1 % of the time or more. Needs tmux and an installed mem_top; takes ten
minutes or so.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUDGET = 0.01

PROCESS = """
import gc, sys, time
sys.path.insert(0, sys.argv[1])
import heap

gc.disable()
kept = heap.build(int(sys.argv[2]), "plain")
gc.enable()
print("ready", flush=True)

def lost(until):
    total, last = 0.0, time.perf_counter()
    begun = last
    while not until():
        time.sleep(0.001)
        now = time.perf_counter()
        if now - last >= 0.010:
            total += now - last
        last = now
    return total, time.perf_counter() - begun

import select
def told():
    return bool(select.select([sys.stdin], [], [], 0)[0])

for part in ("alone", "watched"):
    print(part, *lost(told), flush=True)
    sys.stdin.readline()
"""


def tmux(socket: str, *arguments: str) -> str:
    command = ["tmux", "-L", socket, "-f", os.devnull, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=int, default=60)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--alone", type=float, default=60, metavar="SECONDS", help="how long it runs unwatched before")
    arguments = parser.parse_args()
    # What was started is ended whatever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    child = subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(ROOT / "bench"), str(arguments.objects)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin
    assert child.stdout
    socket = f"mem-top-soak-{uuid.uuid4().hex[:8]}"
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(arguments.alone)
        child.stdin.write("\n")
        child.stdin.flush()
        _, alone, alone_of = child.stdout.readline().split()
        view = [sys.executable, "-m", "mem_top", str(child.pid)]
        tmux(socket, "new-session", "-d", "-x", "120", "-y", "40", *view)
        seen, share, begun = 0, 1.0, time.monotonic()
        while seen < arguments.captures:
            time.sleep(1)
            found = re.search(r"capture (\d+): paused for (.+?), ([\d.]+) % of", tmux(socket, "capture-pane", "-p"))
            if found and int(found[1]) > seen:
                seen, share = int(found[1]), float(found[3]) / 100
                print(f"{time.monotonic() - begun:6.0f} s  {found[0]} the time", flush=True)
        child.stdin.write("\n")
        child.stdin.flush()
        _, watched, watched_of = child.stdout.readline().split()
    finally:
        subprocess.run(["tmux", "-L", socket, "kill-server"], capture_output=True, timeout=60)
        child.kill()
        child.wait()
    before, then = (float(lost) / float(of) for lost, of in ((alone, alone_of), (watched, watched_of)))
    print(f"the view says that it stopped the process for {share:.2%} of the time, at most {BUDGET:.0%} are allowed")
    print(f"the process was paused for {then:.2%} of {float(watched_of):.0f} s, and for {before:.2%} before")
    return int(share >= BUDGET or then - before >= BUDGET)


if __name__ == "__main__":
    sys.exit(main())
