"""Paths on a prepared heap: each kind of container and label, with the path that a person would write.

The heap is in `every_reference`. Objects are looked up by address, so that the lookup itself holds none.
"""

import ctypes
import itertools
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import every_reference
import pytest
from sizes import occupied

import mem_top


@pytest.fixture(scope="module")
def snapshots() -> Iterator[tuple[mem_top.Snapshot, mem_top.Snapshot]]:
    """One as usual, one with keys."""
    threads = every_reference.start_threads()
    yield mem_top.snapshot(), mem_top.snapshot(with_keys=True)
    every_reference.close()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module")
def whole_report() -> str:
    """A line for each type and each object of a process that has the prepared heap, and little else."""
    program = (
        "import os, sys, every_reference, mem_top\n"
        "every_reference.start_threads()\n"
        "sys.stdout.reconfigure(encoding='utf-8')\n"
        "print(mem_top.snapshot().report(None), flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "every_reference.leaf" in done.stdout
    return done.stdout


def paths(snapshot: mem_top.Snapshot, address: int) -> list[str]:
    return [path.text for path in snapshot.why(address, limit=None).paths]


def same(path: str) -> tuple[str, Callable[[], Any]]:
    """A path that is Python: what it names is what it is about."""
    return path, lambda: eval(
        path, {"every_reference": every_reference, "large_namespace": every_reference.large_namespace}
    )


# Where Python cannot say it in one expression, how to get there.
PATHS: list[tuple[str, Callable[[], Any]]] = [
    same("every_reference.leaf"),
    same("every_reference.rows[1]"),
    same("every_reference.pair[1]"),
    same("every_reference.nested['tea'][0]['cup'][0]"),
    ("every_reference.members[*]", lambda: next(iter(every_reference.members))),
    ("every_reference.frozen[*]", lambda: next(iter(every_reference.frozen))),
    same("every_reference.plain.first"),
    same("every_reference.plain.rows[1]"),
    same("every_reference.materialised.extra"),
    same("every_reference.materialised.first"),
    same("every_reference.only_a_dict.given"),
    same("every_reference.many_attributes.first"),
    same("every_reference.many_attributes.attribute_99"),
    same("every_reference.slotted.left"),
    same("every_reference.slotted.right[0]"),
    same("every_reference.half_slotted.left"),
    same("every_reference.half_slotted.own"),
    same("every_reference.point.x"),
    same("every_reference.point.y[0]"),
    same("every_reference.dict_subclass['name']"),
    same("every_reference.dict_subclass.attribute"),
    same("every_reference.slotted_dict['name']"),
    same("every_reference.slotted_dict.extra"),
    same("every_reference.list_subclass[0]"),
    same("every_reference.list_subclass.attribute"),
    same("every_reference.tuple_subclass[0]"),
    same("every_reference.tuple_subclass.attribute"),
    ("every_reference.set_subclass[*]", lambda: next(iter(every_reference.set_subclass))),
    same("every_reference.set_subclass.attribute"),
    same("every_reference.int_subclass.attribute"),
    same("every_reference.str_subclass.attribute"),
    same("every_reference.error.args[0]"),
    same("every_reference.error.__cause__.args[1]"),
    (
        "every_reference.error.__cause__.__traceback__.tb_next.tb_frame local 'kept'",
        lambda: every_reference.error.__cause__.__traceback__.tb_next.tb_frame.f_locals["kept"],
    ),
    same("every_reference.error_in_context.__context__.args[0]"),
    same("every_reference.error_with_note.__notes__[0]"),
    ("every_reference.generator local 'kept'", lambda: every_reference.generator.gi_frame.f_locals["kept"]),
    ("every_reference.generator local 'captured'", lambda: every_reference.generator.gi_frame.f_locals["captured"]),
    ("every_reference.coroutine local 'kept'", lambda: every_reference.coroutine.cr_frame.f_locals["kept"]),
    (
        "every_reference.async_generator[0] local 'kept'",
        lambda: every_reference.async_generator[0].ag_frame.f_locals["kept"],
    ),
    ("every_reference.closure closure 'hidden'", lambda: every_reference.closure.__closure__[0].cell_contents),
    ("every_reference.closure closure 'other'[0]", lambda: every_reference.closure.__closure__[1].cell_contents[0]),
    same("every_reference.defaults.__defaults__[0]"),
    same("every_reference.defaults.__kwdefaults__['key']"),
    same("every_reference.function.attribute"),
    same("every_reference.Plain.shared"),
    same("every_reference.Plain.by_name['tea']"),
    same("every_reference.Plain.computed.fget.__defaults__[0]"),
    ("every_reference.Plain.static.__func__.__defaults__[0]", lambda: every_reference.Plain.static.__defaults__[0]),
    (
        "every_reference.Plain.of_class.__func__.__defaults__[0]",
        lambda: every_reference.Plain.of_class.__func__.__defaults__[0],
    ),
    same("every_reference.Meta.registry['kinds']"),
    same("every_reference.WithMeta.attribute"),
    same("every_reference.bound.__self__.first"),
    same("every_reference.partial.args[0]"),
    same("every_reference.partial.keywords['key']"),
    ("every_reference.bounded[*]", lambda: every_reference.bounded(3)),
    ("every_reference.unbounded[*]", lambda: every_reference.unbounded(3)),
    same("every_reference.deque[0]"),
    same("every_reference.deque[150]"),
    same("every_reference.ordered['name']"),
    same("every_reference.default_dict['name']"),
    same("every_reference.default_dict.default_factory"),
    same("every_reference.counter['name']"),
    same("every_reference.chain_map.maps[0]['name']"),
    same("every_reference.plain_queue.queue[1]"),
    same("every_reference.local.attribute"),
    same("every_reference.named[0]"),
    same("every_reference.named[1][0]"),
    same("every_reference.structseq[0]"),
    same("every_reference.csv_reader.dialect"),
    same("every_reference.scanner.object_hook"),
    same("every_reference.text_buffer.attribute"),
    same("every_reference.byte_buffer.attribute"),
    same("every_reference.proxy['name']"),
    same("every_reference.space.name"),
    same("every_reference.few['key_62']"),
    ("every_reference.many[*]", lambda: every_reference.many["key_63"]),
    same("every_reference.shrunk['key_63']"),
    ("every_reference.by_leaf key", lambda: next(iter(every_reference.by_leaf))),
    same("every_reference.odd_keys['Ünïcode']"),
    *(
        ("every_reference.odd_keys[*]", lambda key=key: every_reference.odd_keys[key])
        for key in every_reference.odd_keys
        if key != "Ünïcode"
    ),
    same("large_namespace.name_99"),
    ("every_reference.context.spans[0]", lambda: every_reference.context[every_reference.variable][0]),
    ("every_reference.weak_keys.data[*]", lambda: next(iter(every_reference.weak_keys.values()))),
]


@pytest.mark.parametrize(("path", "get"), PATHS, ids=[f"{n}-{path}" for n, (path, _) in enumerate(PATHS)])
def test_the_path_is_what_a_person_would_write(snapshots, path, get):
    assert paths(snapshots[0], id(get()))[0] == path


def test_attributes_of_classes_that_were_compiled_have_names():
    nodes = pytest.importorskip("mypy.nodes")
    if not str(nodes.__file__).endswith(".so") or platform.machine() != "x86_64":
        pytest.skip("mypy is not compiled here, or the machine code of its getters is not understood")
    block = nodes.Block([])
    statements = block.body
    statement = nodes.ExpressionStmt(nodes.StrExpr("text"))
    expression = statement.expr
    snapshot = mem_top.snapshot()
    assert "local 'block'.body" in paths(snapshot, id(statements))[1]
    assert "local 'statement'.expr" in paths(snapshot, id(expression))[1]


# Of code written in C, what it holds is known, and not under what name.
UNNAMED: list[tuple[str, Callable[[], Any]]] = [
    (r"every_reference\.view → dict\['name'\]", lambda: next(iter(every_reference.view))[1]),
    (r"every_reference\.tees\[[01]\] → .*", lambda: next(iter(every_reference.tees[1].__copy__()))),
    (r"every_reference\.weak_callback → every_reference\.Leaf", lambda: every_reference.weak_callback.__callback__),
    (r"every_reference\.token_variable → every_reference\.Leaf", lambda: every_reference.token_variable.get()),
]


@pytest.mark.parametrize(("path", "get"), UNNAMED, ids=[path for path, _ in UNNAMED])
def test_what_has_no_name_has_a_path_all_the_same(snapshots, path, get):
    found = paths(snapshots[0], id(get()))
    assert re.fullmatch(path, found[0]), found


def test_the_items_of_a_simple_queue(snapshots):
    snapshot, _ = snapshots
    # Taken out to be told, and put back as it was.
    item = every_reference.simple_queue.get()
    address = id(item)
    every_reference.simple_queue.put(item)
    del item
    assert paths(snapshot, address)[0] == "every_reference.simple_queue[0]"


def test_keys_that_are_no_names_are_told_only_on_request(snapshots):
    _, with_keys = snapshots
    told = {key: paths(with_keys, id(value))[0] for key, value in every_reference.odd_keys.items()}
    held = "every_reference.odd_keys"
    assert told["two words"] == f"{held}['two words']"
    assert told["sk-live-4242"] == f"{held}['sk-live-4242']"
    assert told["ann@example.org"] == f"{held}['ann@example.org']"
    assert told[""] == f"{held}['']"
    assert told[7] == f"{held}[7]"
    assert told[-(2**40)] == f"{held}[{-(2**40)}]"
    assert {told[key] for key in (2**70, (1, 2), None, b"bytes")} == {f"{held}[*]"}
    assert paths(with_keys, id(every_reference.many["key_63"]))[0] == "every_reference.many['key_63']"


def test_no_secret_is_in_any_answer_without_request(snapshots, whole_report):
    snapshot, _ = snapshots
    said = [str(snapshot.why(id(value))) for value in every_reference.odd_keys.values()]
    said += [whole_report, str(snapshot.types(None)), str(snapshot.top(limit=1000))]
    for text in said:
        assert "sk-live" not in text
        assert "ann@example" not in text
        assert "two words" not in text


def test_frames_of_other_threads(snapshots):
    line = every_reference.waiting.__code__.co_firstlineno
    for number in range(3):
        held = paths(snapshots[0], every_reference.elsewhere[f"frame {number}"])
        assert held == [f"frame waiting (every_reference.py:{line}) local 'held'[0]"]
        captured = paths(snapshots[0], every_reference.elsewhere[f"cell {number}"])
        assert captured[0] == f"frame waiting (every_reference.py:{line}) local 'captured'"


def test_the_frame_that_asks():
    mine = [every_reference.Leaf()]
    snapshot = mem_top.snapshot()
    line = sys._getframe().f_code.co_firstlineno
    assert paths(snapshot, id(mine[0])) == [
        f"frame test_the_frame_that_asks (test_snapshot_labels.py:{line}) local 'mine'[0]"
    ]


def test_thread_locals_of_every_thread(snapshots):
    for number in range(3):
        assert paths(snapshots[0], every_reference.elsewhere[f"local {number}"])[0] == "every_reference.local.attribute"


def test_context_variables(snapshots):
    snapshot, _ = snapshots
    (address,) = {id(every_reference.variable.get())}
    assert paths(snapshot, address)[0] == "context variable spans"
    numbers = [variable.name for variable in every_reference.context if variable.name.startswith("number_")]
    assert len(numbers) == 40
    for variable, value in every_reference.context.items():
        if variable.name in numbers:
            assert paths(snapshot, id(value))[0] == f"every_reference.context.{variable.name}"
            del value


def test_weak_references_hold_nothing(snapshots):
    held = paths(snapshots[0], id(every_reference.weakly_held))
    assert held == ["every_reference.weakly_held"]


def test_a_module_under_two_names_is_told_by_its_own(snapshots, whole_report):
    assert paths(snapshots[0], id(every_reference.leaf)) == ["every_reference.leaf"]
    assert "another_name." not in whole_report


def test_a_list_that_holds_itself(snapshots):
    answer = snapshots[0].why(every_reference.self_referring)
    assert answer.paths[0].text == "every_reference.self_referring"


def test_many_of_a_type_are_clustered_by_how_they_are_held(snapshots):
    answer = snapshots[0].why(every_reference.Leaf, limit=None)
    clusters = {cluster.path.text: cluster.count for cluster in answer.clusters}
    assert clusters["every_reference.deque[*]"] == 200
    assert clusters["every_reference.many[*]"] == 64
    assert clusters["every_reference.few[*]"] == 63
    assert clusters["every_reference.rows[*]"] == 2
    assert answer.unreached == 0
    assert answer.count == sum(clusters.values())


def test_a_constant_of_code_that_no_collector_knows(snapshots):
    namespace: dict[str, Any] = {}
    exec("def answer(): return 123456789012345678901234567890", namespace)
    every_reference.answer = namespace["answer"]
    try:
        snapshot = mem_top.snapshot()
        constant = every_reference.answer()
        found = paths(snapshot, id(constant))
        index = every_reference.answer.__code__.co_consts.index(constant)
        assert found == [f"every_reference.answer.__code__.co_consts[{index}]"]
    finally:
        del every_reference.answer


def test_the_state_of_containers_that_were_asked_is_unchanged(snapshots):
    assert len(every_reference.shrunk) == 63
    assert len(every_reference.deque) == 200
    assert not every_reference.release.is_set()


def test_references_have_the_kind_of_their_label(snapshots):
    native = snapshots[0]._native

    def labels(of: object) -> list[tuple[str, str | None]]:
        return [(kind, text) for kind, text, *_ in native._references(id(of))]

    assert labels(every_reference.rows) == [("Index", "0"), ("Index", "1")]
    assert labels(every_reference.nested) == [("KeyObject", None), ("Key", "tea")]
    assert labels(every_reference.members) == [("Member", None)]
    if sys.version_info >= (3, 11):
        assert sorted(labels(every_reference.plain)) == [("Attribute", "first"), ("Attribute", "rows"), ("Type", None)]
    else:
        # There every instance has its dict.
        assert labels(every_reference.plain) == [("Dict", None), ("Type", None)]
    assert labels(every_reference.slotted) == [("Attribute", "left"), ("Attribute", "right"), ("Type", None)]
    assert ("Base", None) in labels(every_reference.HalfSlotted)
    assert ("Dict", None) in labels(every_reference.Plain)
    assert ("Local", "kept") in labels(every_reference.generator) or sys.version_info < (3, 11)
    address, name, size, refcount, flags = native._object(id(every_reference.rows))
    assert (address, name, size) == (id(every_reference.rows), "list", occupied(every_reference.rows))
    assert flags & 1
    assert refcount >= 1


def test_what_stood_in_the_memory_of_a_block_before_is_not_told(snapshots):
    """The words of a block of `tee` that holds no item yet are not cleared."""
    text = "held by nobody that can be seen"
    for _ in range(1000):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(text))
    stale = [(text,) * 59 for _ in range(1000)]
    del stale[::2]
    tees = [itertools.tee(iter(())) for _ in range(300)]
    snapshot = mem_top.snapshot()
    told = [
        reference
        for row in snapshot._native._rows()
        if row[1] == "itertools._tee_dataobject"
        for reference in snapshot._native._references(row[0])
    ]
    assert told
    assert not [one for one in told if one[2] == id(text)]
    del tees, stale
