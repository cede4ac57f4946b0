"""Holders are the same objects throughout a series, whatever else leads to them when a snapshot is taken."""

import json
import subprocess
import sys
from typing import Any

MIDDLEWARE = """
import json, sys
import mem_top

class Request:
    def __init__(self, number):
        self.body = "body of request %d" % number

class Layer:
    def __init__(self, inner):
        self.inner = inner
    def __call__(self, number, look):
        return self.inner(number, look)

class Audit(Layer):
    def __init__(self, inner):
        super().__init__(inner)
        self.seen = []
    def __call__(self, number, look):
        self.seen.append(Request(number))
        return self.inner(number, look)

def respond(number, look):
    if look:
        snapshots.append(mem_top.snapshot())

def wrapped(inner):
    def call(number, look):
        return inner(number, look)
    return call

def build():
    application = wrapped(Audit(wrapped(respond)))
    for _ in range(7):
        application = wrapped(Layer(application))
    return application

snapshots, application = [], build()
for number in range(1, 1001):
    turn, rest = divmod(number, 200)
    # Every second snapshot is taken while a request is in progress.
    application(number, look=rest == 0 and turn % 2 == 0)
    if rest == 0 and turn % 2:
        snapshots.append(mem_top.snapshot())
json.dump(mem_top.leaks(*snapshots).to_dict(), sys.stdout)
"""


def leaks_of(program: str) -> "dict[str, Any]":
    line = [sys.executable, "-c", program]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_request_in_progress_does_not_hide_what_a_middleware_keeps() -> None:
    told = leaks_of(MIDDLEWARE)
    assert told["verdict"] == "leak", told["reason"]
    (suspect,) = told["suspects"]
    assert suspect["leaked"][0]["type"] == "__main__.Request"
    assert suspect["path"][-1]["label"] == ".seen"
    assert suspect["growth"] == [200, 200, 200, 200]
    assert not suspect["holder"].startswith("frame")
