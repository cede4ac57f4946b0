"""Wrong arguments are told at once, by name, before any work; right ones work as before."""

import gc
import inspect
import os
import stat

import pytest
from reports import sections

import mem_top as package
from mem_top import VerboseFileWarning, mem_top


@pytest.fixture
def collections():
    """How often a collection was started meanwhile."""
    started = []

    def callback(phase, info):
        if phase == "start":
            started.append(info["generation"])

    gc.disable()
    gc.callbacks.append(callback)
    yield started
    gc.callbacks.remove(callback)
    gc.enable()


WRONG = [
    ("limit", "10", TypeError),
    ("limit", 2.5, TypeError),
    ("limit", -1, ValueError),
    ("width", "wide", TypeError),
    ("width", [], TypeError),
    ("width", -100, ValueError),
    ("sep", None, TypeError),
    ("sep", b"\n", TypeError),
    ("refs_format", None, TypeError),
    ("refs_format", b"{num}", TypeError),
    ("refs_format", "{nun}", ValueError),
    ("bytes_format", "{}", ValueError),
    ("bytes_format", "{0}", ValueError),
    ("bytes_format", "{num:?}", ValueError),
    ("bytes_format", "{num!z}", ValueError),
    ("types_format", "{num", ValueError),
    ("types_format", "{obj.missing}", ValueError),
    ("types_format", "{num:{missing}}", ValueError),
    ("verbose_types", 5, TypeError),
    ("verbose_types", int, TypeError),
    ("verbose_types", ["list"], TypeError),
    ("verbose_types", [list, None], TypeError),
]


@pytest.mark.parametrize(("argument", "value", "error"), WRONG, ids=lambda value: repr(value)[:20])
def test_a_wrong_argument_is_named_before_any_work(collections, argument, value, error):
    with pytest.raises(error, match=argument):
        mem_top(**{argument: value})
    assert collections == []


def test_a_wrong_verbose_file_name_is_named_before_any_work(collections):
    with pytest.raises(TypeError, match="verbose_file_name"):
        mem_top(verbose_types=[list], verbose_file_name=3.5)
    assert collections == []


def test_safe_formats_know_a_types_names_only():
    assert mem_top(safe=True, refs_format="{type.__module__}.{type.__qualname__}")
    with pytest.raises(ValueError, match=r"refs_format.*safe"):
        mem_top(safe=True, refs_format="{type.__mro__}")
    assert "(<class 'dict'>, <class 'object'>)" in mem_top(refs_format="{type.__mro__}", limit=50)


@pytest.mark.parametrize("value", [0, 1, True, 10**30, None])
def test_limits_and_widths_that_are_right(value):
    assert sections(mem_top(limit=value, width=5))
    assert sections(mem_top(width=value, limit=3)) if value is not None else mem_top(width=None, limit=3)


def test_what_has_an_index_is_an_integer():
    class Index:
        def __index__(self):
            return 3

    assert len(sections(mem_top(limit=Index()))["refs"]) == 3


def test_it_collects_unless_told_not_to(collections):
    for arguments, expected in [
        ({}, [2]),
        ({"collect": True}, [2]),
        ({"collect": False}, []),
        ({"safe": True}, []),
        ({"safe": True, "collect": True}, [2]),
    ]:
        collections.clear()
        mem_top(**arguments)
        assert collections == expected, arguments
    assert not gc.isenabled()


def test_the_collector_is_left_as_it_was():
    assert gc.isenabled()
    mem_top(limit=1)
    assert gc.isenabled()


def test_the_signature_begins_as_it_always_did():
    names = list(inspect.signature(mem_top).parameters)
    old = ["limit", "width", "sep", "refs_format", "bytes_format", "types_format", "verbose_types", "verbose_file_name"]
    assert names == [*old, "collect", "safe"]
    assert mem_top(3, 20, "|", "{num}", "{num}", "{num}", None, "/nowhere").count("|") == 15


def test_the_package_has_a_version_types_and_docstrings():
    assert package.__version__.count(".") == 2
    assert set(package.__all__) <= set(dir(package))
    assert os.path.exists(os.path.join(os.path.dirname(package.__file__), "py.typed"))
    for counter in ("refs", "bytes", "types"):
        assert f"`{counter}`" in mem_top.__doc__


# The verbose file.


def test_the_verbose_file_is_the_users_alone(tmp_path):
    path = tmp_path / "verbose"
    path.write_text("old")
    path.chmod(0o644)
    Made = type("Made", (), {})
    report = mem_top(verbose_types=[type], verbose_file_name=path)
    assert sections(report)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"<class '{Made.__module__}.Made'>" in path.read_text()
    assert os.listdir(tmp_path) == ["verbose"]


@pytest.mark.parametrize("kind", ["link", "dangling link", "directory", "pipe", "another user's"])
def test_a_verbose_file_that_is_not_ours_is_refused_and_the_report_is_not_lost(tmp_path, kind):
    path, victim = tmp_path / "verbose", tmp_path / "victim"
    victim.write_text("precious")
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nothing")
    elif kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif os.geteuid() == 0:
        path.write_text("theirs")
        os.chown(path, 12345, 12345)
    else:
        pytest.skip("only root can give a file to another user")
    before = os.lstat(path)
    with pytest.warns(VerboseFileWarning, match="verbose"):
        report = mem_top(verbose_types=[type], verbose_file_name=str(path))
    assert sections(report)
    assert os.lstat(path).st_mtime_ns == before.st_mtime_ns
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nothing").exists()


def test_a_hard_link_does_not_lead_to_another_file(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.link(victim, tmp_path / "verbose")
    mem_top(verbose_types=[type], verbose_file_name=tmp_path / "verbose")
    assert victim.read_text() == "precious"


def test_an_unwritable_verbose_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        mem_top(verbose_types=[type], verbose_file_name=tmp_path / "missing" / "file")


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    path = tmp_path / "verbose"
    path.write_text("the last one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        mem_top(verbose_types=[type], verbose_file_name=path)
    assert path.read_text() == "the last one"
    assert os.listdir(tmp_path) == ["verbose"]


def test_verbose_reprs_are_whole_escaped_and_isolated():
    class Long:
        def __init__(self, length):
            self.length = length

        def __repr__(self):
            if self.length < 0:
                raise SystemExit
            return "\n" + "x" * self.length

    kept = [Long(5), Long(500), Long(-1), Long(50)]
    text = mem_top(verbose_types=[Long], verbose_file_name=None, width=20, types_format="{num}|{obj}|{type.__name__}")
    broken = f"(broken __repr__, type=<class '{Long.__module__}.{Long.__qualname__}'>)"
    assert text.split("\n") == [
        f"501|\\n{'x' * 18}|Long",
        f"{len(broken)}|{broken[:20]}|Long",
        f"51|\\n{'x' * 18}|Long",
        "6|\\nxxxxx|Long",
    ]
    assert mem_top(verbose_types=[Long], verbose_file_name="", safe=True).count("Long object at 0x") == len(kept)
    assert mem_top(verbose_types=iter([Long]), verbose_file_name=None).count("\n") == 3
