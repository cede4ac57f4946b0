"""The shop of the demo, as a server in its own process under real requests."""

import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


class Running:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        first = process.stdout.readline()
        said = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+) \(pid (\d+)\)\n", first)
        assert said, (first, process.poll(), process.stderr.read() if process.poll() is not None else "")
        self.port = int(said[1])
        assert int(said[2]) == process.pid

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3000)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def health(self) -> dict[str, int]:
        status, text = self.get("/health")
        assert status == 200
        return json.loads(text)

    def stop(self, signum: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(signum)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=3000)
        return self.process.returncode, out, err


@contextlib.contextmanager
def running(*arguments: str, isolated: bool = False) -> Iterator[Running]:
    # -E and -S leave out what is installed, mem_top with it.
    command = [sys.executable, *(["-E", "-S"] if isolated else []), "-m", "shop", "--port", "0", *arguments]
    with subprocess.Popen(
        command, cwd=EXAMPLES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_sessions_leak_the_cache_does_not_and_the_end_is_clean(signum):
    with running(isolated=True) as shop:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(shop.get, (f"/item/{1 + n % 240}" for n in range(600))))
        assert {status for status, _ in answers} == {200}
        health = shop.health()
        assert health["pid"] == shop.process.pid
        assert health["sessions"] == 600
        assert health["cached_pages"] == health["cached_pages_limit"] == 200
        assert shop.stop(signum) == (0, "", "")


def test_with_expire_sessions_do_not_pile_up():
    with running("--expire", "0.3") as shop:
        for _ in range(100):
            shop.get("/")
        deadline = time.monotonic() + 300
        while shop.health()["sessions"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert shop.health()["sessions"] == 0
        assert shop.stop()[0] == 0


def test_a_request_under_way_is_answered_before_the_end():
    with running() as shop:
        connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=3000)
        form = b"item=3&count=2"
        connection.putrequest("POST", "/cart")
        connection.putheader("Content-Length", str(len(form)))
        connection.endheaders(form[:5])
        # A later request has an answer: so the earlier one has been taken in.
        assert shop.get("/health")[0] == 200
        ending = threading.Thread(target=shop.process.send_signal, args=(signal.SIGTERM,))
        ending.start()
        ending.join()
        time.sleep(0.5)
        assert shop.process.poll() is None
        connection.send(form[5:])
        assert connection.getresponse().status == 303
        connection.close()
        # Without a second signal: one that comes while the interpreter ends kills it.
        assert shop.ended() == (0, "", "")


def test_reports_are_printed_between_their_lines():
    with running("--mem-top-every", "0.2", "--mem-top-limit", "3") as shop:
        assert shop.process.stdout
        lines = []
        while not lines or not lines[-1].startswith("--- end of report 2"):
            lines.append(shop.process.stdout.readline().rstrip("\n"))
            assert len(lines) < 40
        begins = [line for line in lines if re.fullmatch(r"--- mem_top report \d+ after \d+\.\d\d s", line)]
        assert [line.split()[3] for line in begins] == ["1", "2"]
        second = lines[lines.index(begins[1]) + 1 : -1]
        assert [line for line in second if line.endswith(":")] == ["refs:", "bytes:", "types:"]
        assert len([line for line in second if "\t" in line]) == 9
        assert re.fullmatch(r"\d+\t[+-]\d+\t<class '[\w.]+'>", second[-1])
        status, _, err = shop.stop()
        assert (status, err) == (0, "")


def test_a_shop_to_whose_reports_nobody_listens_closes():
    with running("--mem-top-every", "0.2") as shop:
        assert shop.process.stdout
        shop.process.stdout.close()
        assert shop.process.wait(300) == 0
        assert shop.process.stderr.read() == ""


def refused(*arguments: str, isolated: bool = False) -> str:
    command = [sys.executable, *(["-E", "-S"] if isolated else []), "-m", "shop", *arguments]
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, encoding="utf-8", timeout=300)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_what_cannot_be_is_refused_with_a_hint():
    with running() as shop:
        assert "hint: --port 0 takes one that is free" in refused("--port", str(shop.port))
    assert "hint: leave it out, or install mem_top" in refused("--port", "0", "--mem-top-every", "1", isolated=True)
    for wrong in (["--port", "65536"], ["--expire", "0"], ["--mem-top-every", "nan"], ["--mem-top-limit", "-1"]):
        assert f"argument {wrong[0]}: invalid" in refused(*wrong)
