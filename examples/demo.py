"""A web shop leaks its sessions under real HTTP requests; mem_top names what leaks, and where it is held.

Starts the shop of this folder as a process of its own, sends visitors, and lets the shop print `mem_top()` and save a
snapshot of its heap from time to time. Then reads those reports, tells the counters that grew in every interval, and
lets the command `mem_top leaks` say what the snapshots do. It knows nothing of the shop but its addresses and what
mem_top says.

Status 0: there is a leak, 1: there is none, 2: something failed.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from demo_reports import END, LEAST_INTERVALS, Report, conclusion, kept_growing, read_reports

FOLDER = Path(__file__).resolve().parent
REPORTS = 8
ROWS = 20
VISITORS_PER_SECOND = 120
THREADS = 4


class Failure(Exception):
    """The demo cannot go on; the second argument is what can be done about it."""


# --- The shop, as a process. ---


@dataclass
class Shop:
    """The process, and what it has printed so far."""

    process: subprocess.Popen[str]
    port: int = 0
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    listening: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Takes its output in until it ends, and tells `listening` when it opens or will not."""
        assert self.process.stdout
        for line in self.process.stdout:
            opened = re.match(r"listening on http://127\.0\.0\.1:(\d+) ", line)
            if opened:
                self.port = int(opened[1])
                self.listening.set()
            self.lines.append(line.rstrip("\n"))
        self.listening.set()

    def read_errors(self) -> None:
        """Takes in what it complains about."""
        assert self.process.stderr
        self.errors += (line.rstrip("\n") for line in self.process.stderr)

    def reports(self) -> int:
        """How many reports it has finished."""
        return sum(END.fullmatch(line) is not None for line in list(self.lines))


@contextlib.contextmanager
def running_shop(arguments: list[str]) -> Iterator[Shop]:
    """Starts the shop, waits until it listens, and stops it in the end, however that comes."""
    path = os.pathsep.join(filter(None, [str(FOLDER), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-X", "utf8", "-m", "shop", "--port", "0", *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # ^C is for the demo, which then stops the shop.
    )
    shop = Shop(process)
    readers = [threading.Thread(target=read, daemon=True) for read in (shop.read, shop.read_errors)]
    try:
        for reader in readers:
            reader.start()
        if not shop.listening.wait(30) or not shop.port:
            process.kill()
            readers[1].join(5)
            said = "\n".join(shop.errors) or "it said nothing"
            raise Failure(f"the shop did not start:\n{said}", "`make build` installs mem_top for this Python")
        yield shop
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for reader in readers:
            reader.join(5)


# --- Its visitors. ---


class Visitor:
    """Someone with a browser of their own: keeps the shop's cookie, follows redirections."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> int:
        """Looks at a page: how many requests it took."""
        return self._request("GET", path)

    def post(self, path: str, **form: object) -> int:
        """Sends a form, and looks at the page that it leads to: how many requests it took."""
        return self._request("POST", path, urlencode(form))

    def _request(self, method: str, path: str, body: str | None = None) -> int:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{method} {path} failed: {error!r}", "the machine may be too busy: try again") from error
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        if answer.status == 303:
            return 1 + self._request("GET", answer.headers["Location"])
        if answer.status != 200:
            raise Failure(f"{method} {path} was answered with {answer.status} {answer.reason}", "the shop has a bug")
        return 1


WORDS = ("teapot", "lamp", "elm", "rug", "granite", "jar", "plate", "& sons", "mug", "iron kettle")


class Traffic:
    """Visitors, one after the other in each of a few threads, at a steady pace."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._started = time.monotonic()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(seed),), daemon=True) for seed in range(THREADS)
        ]
        self.visitors = 0
        self.requests = 0
        self.failure: Failure | None = None

    def start(self) -> None:
        """Opens the doors."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets those inside finish, and nobody else in."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, dice: random.Random) -> None:
        regular = Visitor(self._port)
        try:
            while not self._stop.is_set():
                with self._lock:
                    due = self._started + self.visitors / VISITORS_PER_SECOND
                    self.visitors += 1
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    break
                # One visit in ten is a regular's, who has been here before and has a cookie.
                requests = visit(regular if dice.random() < 0.1 else Visitor(self._port), dice)
                with self._lock:
                    self.requests += requests
        except Failure as failure:
            self.failure = self.failure or failure


def visit(visitor: Visitor, dice: random.Random) -> int:
    """Browses, perhaps buys, looks, leaves: how many requests that took."""
    requests = visitor.get("/" if dice.random() < 0.7 else "/?" + urlencode({"q": dice.choice(WORDS)}))
    number = 0
    for _ in range(dice.randint(1, 3)):
        number = dice.randint(1, 240)
        requests += visitor.get(f"/item/{number}")
    if dice.random() < 0.6:
        requests += visitor.post("/cart", item=number, count=dice.randint(1, 3))
    return requests


# --- The whole. ---


class Progress:
    """One line on standard error: rewritten on a terminal, printed now and then elsewhere."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._terminal = sys.stderr.isatty()
        self._reports = -1

    def show(self, passed: float, traffic: Traffic, reports: int) -> None:
        """How far it is."""
        said = f"{traffic.visitors:,} visitors, {traffic.requests:,} requests, {reports} reports by mem_top()"
        if self._terminal:
            done = round(20 * min(1.0, passed / self._seconds))
            said = f"[{'#' * done}{' ' * (20 - done)}] {passed:.0f} of {self._seconds:.0f} s: {said}"
            print(f"\r\x1b[K{said}", end="", file=sys.stderr, flush=True)
        elif reports != self._reports:
            print(f"{passed:5.1f} s: {said}", file=sys.stderr, flush=True)
        self._reports = reports

    def end(self) -> None:
        """Clears the way for what comes next."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def run(seconds: float, expire: float | None, folder: str) -> list[Report]:
    """Starts the shop, sends visitors for so long, and returns what mem_top() said meanwhile. Snapshots are saved in
    the folder."""
    every = seconds / (REPORTS + 0.5)
    arguments = ["--mem-top-every", f"{every:.3f}", "--mem-top-limit", str(ROWS), "--mem-top-snapshots", folder]
    if expire is not None:
        arguments += ["--expire", str(expire)]
    with running_shop(arguments) as shop:
        print(f"the shop is open: http://127.0.0.1:{shop.port}/ (pid {shop.process.pid})", file=sys.stderr, flush=True)
        traffic = Traffic(shop.port)
        progress = Progress(seconds)
        started = time.monotonic()
        traffic.start()
        try:
            while (passed := time.monotonic() - started) < seconds and not traffic.failure:
                progress.show(passed, traffic, shop.reports())
                time.sleep(0.1)
        finally:
            traffic.stop()
            progress.end()
        ended = shop.process.poll()
    if ended is not None:
        said = "\n".join(shop.errors) or "it said nothing"
        raise Failure(f"the shop ended by itself, with status {ended}:\n{said}", "the shop has a bug")
    if traffic.failure:
        raise traffic.failure
    reports = read_reports(shop.lines)
    if len(reports) <= LEAST_INTERVALS:
        raise Failure(f"the shop printed only {len(reports)} reports", "give it more time: --seconds 60")
    return reports


def leaks(folder: str, colour: bool, page: Path | None) -> tuple[int, str]:
    """The status and the answer of `mem_top leaks` on the snapshots, which is written as a page too where one is
    wanted. The first two snapshots are left out: the shop warms up."""
    files = sorted(str(path) for path in Path(folder).glob("*.parquet"))[2:]
    command = [sys.executable, "-m", "mem_top", "leaks", "--color", "always" if colour else "never", *files]
    if page is not None:
        command += ["--html", str(page)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode not in (0, 1, 3):
        raise Failure(f"mem_top leaks failed:\n{done.stderr.strip()}", "give it more time: --seconds 60")
    return done.returncode, done.stdout


def from_outside(seconds: float, colour: bool) -> None:
    """Opens another shop, which knows nothing of mem_top, and prints what `mem_top leaks PID` says of it. If mem_top may
    not capture it, or cannot on this system, prints why."""
    with running_shop([]) as shop:
        traffic = Traffic(shop.port)
        traffic.start()
        try:
            time.sleep(max(2.0, seconds / 8))  # Until its cache is full.
            words = ["leaks", str(shop.process.pid), "--count", "4", "--interval", f"{seconds * 1000 / 11:.0f}ms"]
            print(f"$ mem_top {' '.join(words)}\n", flush=True)
            done = subprocess.run(
                [sys.executable, "-m", "mem_top", *words, "--color", "always" if colour else "never"],
                capture_output=True,
                encoding="utf-8",
            )
        finally:
            traffic.stop()
    if traffic.failure:
        raise traffic.failure
    if done.returncode in (0, 1, 3):
        print(done.stdout.rstrip("\n"))
    else:
        print(f"It could not be captured:\n{done.stderr.strip()}")


def in_colour() -> bool:
    """Whether standard output is a terminal that may be coloured."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def seconds_to_run(text: str) -> float:
    """A number of seconds that is enough for all reports."""
    seconds = float(text)
    if not 4 <= seconds <= 3600:
        raise ValueError(text)
    return seconds


def seconds_to_live(text: str) -> float:
    """A positive number of seconds."""
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise ValueError(text)
    return seconds


def end_by_signal(signum: int, frame: object) -> None:
    """Ends the demo as ^C does, so that it stops the shop."""
    sys.exit(128 + signum)


def main(arguments: list[str] | None = None) -> int:
    """The status to exit with."""
    parser = argparse.ArgumentParser(description="A web shop leaks; mem_top names what, and where it is held.")
    parser.add_argument("--seconds", type=seconds_to_run, default=22, help="how long, from 4 (default: 22)")
    parser.add_argument(
        "--expire", type=seconds_to_live, metavar="SECONDS", help="with the leak fixed: the shop forgets old sessions"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the answer as a page for a browser, too")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, end_by_signal)
    colour = in_colour()
    try:
        with tempfile.TemporaryDirectory(prefix="mem_top-demo-") as folder:
            reports = run(options.seconds, options.expire, folder)
            status, answer = leaks(folder, colour, options.html)
    except Failure as failure:
        message, hint = failure.args
        print(f"demo: {message}\nhint: {hint}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    bold, plain = ("\x1b[1m", "\x1b[0m") if colour else ("", "")
    print(f"What the counters of mem_top() showed, in {len(reports)} reports:\n")
    for line in conclusion(kept_growing(reports), len(reports) - 1):
        print(line)
    print(f"\n{bold}What the snapshots say (mem_top leaks *.parquet):{plain}\n")
    print(answer.rstrip("\n"))
    if options.expire is None:
        print(f"\n{bold}The same shop without mem_top in it, captured from outside:{plain}\n")
        try:
            from_outside(options.seconds, colour)
        except Failure as failure:
            message, hint = failure.args
            print(f"demo: {message}\nhint: {hint}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("demo: interrupted", file=sys.stderr)
            return 130
    if options.html is not None:
        page = options.html.resolve()
        print(f"\n{bold}What the snapshots say, as a page:{plain} open {page.as_uri()} in a browser")
    return 0 if status == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
