"""An application that is measured, and one run of it: how it is started, given work and stopped.

Each folder of the catalogue has an `app.py` with a class `App`, derived from `Application`, and the files that the
application itself reads. The class is used by the tool; those files by the application, in its own environment.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
CATALOGUE = HERE / "catalogue"

PATIENCE = 120
"""Seconds until a start that makes no progress counts as failed."""


class ApplicationError(Exception):
    """An application did not do what it should, with the end of its log."""


def free_port() -> int:
    """Returns a port that is free now, on the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Answer:
    """The answer to an HTTP request."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Run:
    """One run of an application: its folder, its port, its main process."""

    folder: Path
    bin: Path
    planted: bool
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    helpers: list[subprocess.Popen[str]] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    """Whatever the application keeps from one unit of work to the next."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def environment(self) -> dict[str, str]:
        """The variables of the application's processes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return {
            **kept,
            "PATH": f"{self.bin}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": os.pathsep.join([str(HERE / "planted"), str(self.state["source"])]),
            "PYTHONUNBUFFERED": "1",
            "PLANTED": "1" if self.planted else "",
            "PORT": str(self.port),
            "HOME": str(self.folder),
            "NO_PROXY": "*",
        }

    def call(self, *command: str, wait: float = 300) -> str:
        """Runs a command of the application's environment to its end and returns its output."""
        done = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=wait,
        )
        if done.returncode != 0:
            raise ApplicationError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def start(self, *command: str) -> None:
        """Starts the application, in a session of its own; its output goes to `log`."""
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(self.bin / command[0]), *command[1:]],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def helper(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        """Starts a script of the application's folder that does the work on request: a line in, a line out."""
        with (self.folder / f"{script}.log").open("wb") as log:
            helper = subprocess.Popen(
                [str(self.bin / "python"), str(self.state["source"] / script), *arguments],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.helpers.append(helper)
        return helper

    @property
    def pid(self) -> int:
        if self.process is None:
            raise ApplicationError("the application was not started")
        return self.process.pid

    def check(self) -> None:
        """Raises an error if the application has ended."""
        if self.process is None or self.process.poll() is not None:
            status = self.process.returncode if self.process else None
            raise ApplicationError(f"the application ended with status {status}:\n{self.log()[-3000:]}")

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def wait_for(self, what: str, condition: Callable[[], object]) -> None:
        """Waits until a condition holds; an error of the connection counts as not yet."""
        end = time.monotonic() + PATIENCE
        while True:
            self.check()
            try:
                if condition():
                    return
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > end:
                raise ApplicationError(f"{what}: not within {PATIENCE} s\n{self.log()[-3000:]}")
            time.sleep(0.2)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        port: int | None = None,
        accept: range = range(200, 400),
    ) -> Answer:
        """Makes one HTTP request to the application on the loopback interface."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            answer = Answer(response.status, response.read(), {k.lower(): v for k, v in response.getheaders()})
        finally:
            connection.close()
        if answer.status not in accept:
            raise ApplicationError(f"{method} {path} was answered {answer.status}: {answer.body[:500]!r}")
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post_json(self, path: str, content: object, headers: dict[str, str] | None = None, **options: Any) -> Answer:
        headers = {"Content-Type": "application/json", **(headers or {})}
        return self.request("POST", path, body=json.dumps(content), headers=headers, **options)

    def children(self, pid: int | None = None) -> list[int]:
        """Returns the direct children of a process, of the application's main process by default."""
        listed = Path(f"/proc/{pid or self.pid}/task/{pid or self.pid}/children").read_text()
        return [int(child) for child in listed.split()]

    def stop(self) -> None:
        """Ends all processes that this run started."""
        for helper in self.helpers:
            helper.kill()
            helper.communicate()
        if self.process is not None:
            for sent in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self.process.pid, sent)
                    self.process.wait(10)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue
            # A group without its leader may still have members.
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Application:
    """What is to be known of an application. The defaults suit a web application that serves `/` and `/slow`."""

    title: str
    """A few words for the table."""
    kind: str
    """Web framework, task queue, …"""
    main: str
    """The distribution whose version the table shows."""
    python: str
    """The CPython that it runs on, such as 3.12."""
    planted: dict[str, str]
    """For each role of its processes that has a planted leak, a regular expression for the holder's path."""
    rate: float = 20
    """Units of work per second."""
    warm_up: int = 400
    """Units of work before the first snapshot."""
    holds: int = 1
    """The number of requests that are held at once, so that each worker has one in progress."""

    def prepare(self, run: Run) -> None:
        """Makes what must exist before the start: a database, a configuration."""

    def start(self, run: Run) -> None:
        """Starts the application and waits until it can be used."""
        raise NotImplementedError

    def work(self, run: Run, number: int) -> None:
        """Does one unit of work."""
        raise NotImplementedError

    def hold(self, run: Run) -> None:
        """Makes a request that takes some seconds, and waits for its end."""
        run.get("/slow")

    def processes(self, run: Run) -> dict[int, str]:
        """Returns the processes that are captured, each with its role."""
        return {run.pid: "main"}


def load(name: str) -> Application:
    """Loads an application of the catalogue by its name."""
    path = CATALOGUE / name / "app.py"
    if not path.exists():
        raise ApplicationError(f"no application {name!r}; there are {', '.join(names())}")
    specification = importlib.util.spec_from_file_location(f"application_{name}", path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module
    specification.loader.exec_module(module)
    app = module.App()
    assert isinstance(app, Application)
    return app


def names() -> list[str]:
    """Returns the names of all applications, in order."""
    return sorted(path.parent.name for path in CATALOGUE.glob("*/app.py"))


class Traffic:
    """Gives an application its work from a thread, at a steady rate, with pauses when asked for."""

    ERRORS = 20
    """After so many failures of the work in a row the run has failed."""

    def __init__(self, app: Application, run: Run) -> None:
        self._app, self._run = app, run
        self._running, self._ended = threading.Event(), threading.Event()
        self._idle = threading.Lock()
        self.done = 0
        self.failures: list[str] = []
        self._in_a_row = 0
        self._thread = threading.Thread(target=self._loop, name="traffic", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            if not self._running.wait(0.2):
                due = time.monotonic()
                continue
            with self._idle:
                try:
                    self._app.work(self._run, self.done)
                    self._in_a_row = 0
                except Exception as error:
                    self.failures.append(f"{type(error).__name__}: {error}")
                    self._in_a_row += 1
                self.done += 1
            due = max(due + 1 / self._app.rate, time.monotonic() - 1)
            self._ended.wait(max(0.0, due - time.monotonic()))

    def check(self) -> None:
        """Raises an error if the application no longer does its work."""
        self._run.check()
        if self._in_a_row >= self.ERRORS:
            raise ApplicationError(f"the work fails: {self.failures[-1]}")

    def resume(self) -> None:
        self._running.set()

    def pause(self) -> None:
        """Pauses the traffic, and waits for the unit of work at hand."""
        self._running.clear()
        with self._idle:
            pass

    def until(self, done: int) -> None:
        """Waits until so much work was done in all."""
        last, since = self.done, time.monotonic()
        while self.done < done:
            self.check()
            time.sleep(0.1)
            if self.done != last:
                last, since = self.done, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise ApplicationError(f"no unit of work ended within {PATIENCE} s")

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(0.2, left))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Requests in progress: begun a moment before, and waited for at the end."""
        threads = [
            threading.Thread(target=self._hold, name="held request", daemon=True) for _ in range(self._app.holds)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        try:
            yield
        finally:
            for thread in threads:
                thread.join(PATIENCE)

    def _hold(self) -> None:
        try:
            self._app.hold(self._run)
        except Exception as error:
            self.failures.append(f"held request: {type(error).__name__}: {error}")

    def stop(self) -> None:
        self._ended.set()
        self._running.set()
        self._thread.join(PATIENCE)
