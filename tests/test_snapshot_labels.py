"""Paths on a heap made by hand: each kind of container and label, as a person would write the path.

The heap is `handmade`. An object is asked for by its address, so that the question holds nothing.
"""

import ctypes
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import handmade
import pytest

import mem_top


@pytest.fixture(scope="module")
def snapshots() -> Iterator[tuple[mem_top.Snapshot, mem_top.Snapshot]]:
    """One as usual, one with keys."""
    threads = handmade.start_threads()
    yield mem_top.snapshot(), mem_top.snapshot(with_keys=True)
    handmade.close()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module")
def whole_report(snapshots) -> str:
    """A line for each type and each object; this whole process is in it, so that making it takes seconds."""
    return str(snapshots[0].report(None))


def paths(snapshot: mem_top.Snapshot, address: int) -> list[str]:
    return [path.text for path in snapshot.why(address, limit=None).paths]


def same(path: str) -> tuple[str, Callable[[], Any]]:
    """A path that is Python: what it names is what it is about."""
    return path, lambda: eval(path, {"handmade": handmade, "large_namespace": handmade.large_namespace})


# Where Python cannot say it in one expression, how to get there.
PATHS: list[tuple[str, Callable[[], Any]]] = [
    same("handmade.leaf"),
    same("handmade.rows[1]"),
    same("handmade.pair[1]"),
    same("handmade.nested['tea'][0]['cup'][0]"),
    ("handmade.members[*]", lambda: next(iter(handmade.members))),
    ("handmade.frozen[*]", lambda: next(iter(handmade.frozen))),
    same("handmade.plain.first"),
    same("handmade.plain.rows[1]"),
    same("handmade.materialised.extra"),
    same("handmade.materialised.first"),
    same("handmade.only_a_dict.given"),
    same("handmade.many_attributes.first"),
    same("handmade.many_attributes.attribute_99"),
    same("handmade.slotted.left"),
    same("handmade.slotted.right[0]"),
    same("handmade.half_slotted.left"),
    same("handmade.half_slotted.own"),
    same("handmade.point.x"),
    same("handmade.point.y[0]"),
    same("handmade.dict_subclass['name']"),
    same("handmade.dict_subclass.attribute"),
    same("handmade.slotted_dict['name']"),
    same("handmade.slotted_dict.extra"),
    same("handmade.list_subclass[0]"),
    same("handmade.list_subclass.attribute"),
    same("handmade.tuple_subclass[0]"),
    same("handmade.tuple_subclass.attribute"),
    ("handmade.set_subclass[*]", lambda: next(iter(handmade.set_subclass))),
    same("handmade.set_subclass.attribute"),
    same("handmade.int_subclass.attribute"),
    same("handmade.str_subclass.attribute"),
    same("handmade.error.args[0]"),
    same("handmade.error.__cause__.args[1]"),
    (
        "handmade.error.__cause__.__traceback__.tb_next.tb_frame local 'kept'",
        lambda: handmade.error.__cause__.__traceback__.tb_next.tb_frame.f_locals["kept"],
    ),
    same("handmade.error_in_context.__context__.args[0]"),
    same("handmade.error_with_note.__notes__[0]"),
    ("handmade.generator local 'kept'", lambda: handmade.generator.gi_frame.f_locals["kept"]),
    ("handmade.generator local 'captured'", lambda: handmade.generator.gi_frame.f_locals["captured"]),
    ("handmade.coroutine local 'kept'", lambda: handmade.coroutine.cr_frame.f_locals["kept"]),
    (
        "handmade.async_generator[0] local 'kept'",
        lambda: handmade.async_generator[0].ag_frame.f_locals["kept"],
    ),
    ("handmade.closure closure 'hidden'", lambda: handmade.closure.__closure__[0].cell_contents),
    ("handmade.closure closure 'other'[0]", lambda: handmade.closure.__closure__[1].cell_contents[0]),
    same("handmade.defaults.__defaults__[0]"),
    same("handmade.defaults.__kwdefaults__['key']"),
    same("handmade.function.attribute"),
    same("handmade.Plain.shared"),
    same("handmade.Plain.by_name['tea']"),
    same("handmade.Plain.computed.fget.__defaults__[0]"),
    ("handmade.Plain.static.__func__.__defaults__[0]", lambda: handmade.Plain.static.__defaults__[0]),
    ("handmade.Plain.of_class.__func__.__defaults__[0]", lambda: handmade.Plain.of_class.__func__.__defaults__[0]),
    same("handmade.Meta.registry['kinds']"),
    same("handmade.WithMeta.attribute"),
    same("handmade.bound.__self__.first"),
    same("handmade.partial.args[0]"),
    same("handmade.partial.keywords['key']"),
    ("handmade.bounded[*]", lambda: handmade.bounded(3)),
    ("handmade.unbounded[*]", lambda: handmade.unbounded(3)),
    same("handmade.deque[0]"),
    same("handmade.deque[150]"),
    same("handmade.ordered['name']"),
    same("handmade.default_dict['name']"),
    same("handmade.default_dict.default_factory"),
    same("handmade.counter['name']"),
    same("handmade.chain_map.maps[0]['name']"),
    same("handmade.plain_queue.queue[1]"),
    same("handmade.local.attribute"),
    same("handmade.named[0]"),
    same("handmade.named[1][0]"),
    same("handmade.structseq[0]"),
    same("handmade.text_buffer.attribute"),
    same("handmade.byte_buffer.attribute"),
    same("handmade.proxy['name']"),
    same("handmade.space.name"),
    same("handmade.few['key_62']"),
    ("handmade.many[*]", lambda: handmade.many["key_63"]),
    same("handmade.shrunk['key_63']"),
    ("handmade.by_leaf key", lambda: next(iter(handmade.by_leaf))),
    same("handmade.odd_keys['Ünïcode']"),
    *(
        ("handmade.odd_keys[*]", lambda key=key: handmade.odd_keys[key])
        for key in handmade.odd_keys
        if key != "Ünïcode"
    ),
    same("large_namespace.name_99"),
    ("handmade.context.spans[0]", lambda: handmade.context[handmade.variable][0]),
    ("handmade.weak_keys.data[*]", lambda: next(iter(handmade.weak_keys.values()))),
]


@pytest.mark.parametrize(("path", "get"), PATHS, ids=[f"{n}-{path}" for n, (path, _) in enumerate(PATHS)])
def test_the_path_is_what_a_person_would_write(snapshots, path, get):
    assert paths(snapshots[0], id(get()))[0] == path


# Of code written in C, what it holds is known, and not under what name.
UNNAMED: list[tuple[str, Callable[[], Any]]] = [
    (r"handmade\.view → dict\['name'\]", lambda: next(iter(handmade.view))[1]),
    (r"handmade\.tees\[[01]\] → .*", lambda: next(iter(handmade.tees[1].__copy__()))),
    (r"handmade\.weak_callback → handmade\.Leaf", lambda: handmade.weak_callback.__callback__),
    (r"handmade\.token_variable → handmade\.Leaf", lambda: handmade.token_variable.get()),
]


@pytest.mark.parametrize(("path", "get"), UNNAMED, ids=[path for path, _ in UNNAMED])
def test_what_has_no_name_has_a_path_all_the_same(snapshots, path, get):
    found = paths(snapshots[0], id(get()))
    assert re.fullmatch(path, found[0]), found


def test_the_items_of_a_simple_queue(snapshots):
    snapshot, _ = snapshots
    # Taken out to be told, and put back as it was.
    item = handmade.simple_queue.get()
    address = id(item)
    handmade.simple_queue.put(item)
    del item
    assert paths(snapshot, address)[0] == "handmade.simple_queue[0]"


def test_keys_that_are_no_names_are_told_only_on_request(snapshots):
    _, with_keys = snapshots
    told = {key: paths(with_keys, id(value))[0] for key, value in handmade.odd_keys.items()}
    held = "handmade.odd_keys"
    assert told["two words"] == f"{held}['two words']"
    assert told["sk-live-4242"] == f"{held}['sk-live-4242']"
    assert told["ann@example.org"] == f"{held}['ann@example.org']"
    assert told[""] == f"{held}['']"
    assert told[7] == f"{held}[7]"
    assert told[-(2**40)] == f"{held}[{-(2**40)}]"
    assert {told[key] for key in (2**70, (1, 2), None, b"bytes")} == {f"{held}[*]"}
    assert paths(with_keys, id(handmade.many["key_63"]))[0] == "handmade.many['key_63']"


def test_no_secret_is_in_any_answer_without_request(snapshots, whole_report):
    snapshot, _ = snapshots
    said = [str(snapshot.why(id(value))) for value in handmade.odd_keys.values()]
    said += [whole_report, str(snapshot.types(None)), str(snapshot.top(limit=1000))]
    for text in said:
        assert "sk-live" not in text
        assert "ann@example" not in text
        assert "two words" not in text


def test_frames_of_other_threads(snapshots):
    line = handmade.waiting.__code__.co_firstlineno
    for number in range(3):
        held = paths(snapshots[0], handmade.elsewhere[f"frame {number}"])
        assert held == [f"frame waiting (handmade.py:{line}) local 'held'[0]"]
        captured = paths(snapshots[0], handmade.elsewhere[f"cell {number}"])
        assert captured[0] == f"frame waiting (handmade.py:{line}) local 'captured'"


def test_the_frame_that_asks():
    mine = [handmade.Leaf()]
    snapshot = mem_top.snapshot()
    line = sys._getframe().f_code.co_firstlineno
    assert paths(snapshot, id(mine[0])) == [
        f"frame test_the_frame_that_asks (test_snapshot_labels.py:{line}) local 'mine'[0]"
    ]


def test_thread_locals_of_every_thread(snapshots):
    for number in range(3):
        assert paths(snapshots[0], handmade.elsewhere[f"local {number}"])[0] == "handmade.local.attribute"


def test_context_variables(snapshots):
    snapshot, _ = snapshots
    (address,) = {id(handmade.variable.get())}
    assert paths(snapshot, address)[0] == "context variable spans"
    numbers = [variable.name for variable in handmade.context if variable.name.startswith("number_")]
    assert len(numbers) == 40
    for variable, value in handmade.context.items():
        if variable.name in numbers:
            assert paths(snapshot, id(value))[0] == f"handmade.context.{variable.name}"
            del value


def test_weak_references_hold_nothing(snapshots):
    held = paths(snapshots[0], id(handmade.weakly_held))
    assert held == ["handmade.weakly_held"]


def test_a_module_under_two_names_is_told_by_its_own(snapshots, whole_report):
    assert paths(snapshots[0], id(handmade.leaf)) == ["handmade.leaf"]
    assert "another_name." not in whole_report


def test_a_list_that_holds_itself(snapshots):
    answer = snapshots[0].why(handmade.self_referring)
    assert answer.paths[0].text == "handmade.self_referring"


def test_many_of_a_type_are_clustered_by_how_they_are_held(snapshots):
    answer = snapshots[0].why(handmade.Leaf, limit=None)
    clusters = {cluster.path.text: cluster.count for cluster in answer.clusters}
    assert clusters["handmade.deque[*]"] == 200
    assert clusters["handmade.many[*]"] == 64
    assert clusters["handmade.few[*]"] == 63
    assert clusters["handmade.rows[*]"] == 2
    assert answer.unreached == 0
    assert answer.count == sum(clusters.values())


def test_a_constant_of_code_that_no_collector_knows(snapshots):
    namespace: dict[str, Any] = {}
    exec("def answer(): return 123456789012345678901234567890", namespace)
    handmade.answer = namespace["answer"]
    try:
        snapshot = mem_top.snapshot()
        constant = handmade.answer()
        found = paths(snapshot, id(constant))
        index = handmade.answer.__code__.co_consts.index(constant)
        assert found == [f"handmade.answer.__code__.co_consts[{index}]"]
    finally:
        del handmade.answer


def test_the_state_of_containers_that_were_asked_is_unchanged(snapshots):
    assert len(handmade.shrunk) == 63
    assert len(handmade.deque) == 200
    assert not handmade.release.is_set()


def test_references_have_the_kind_of_their_label(snapshots):
    native = snapshots[0]._native

    def labels(of: object) -> list[tuple[str, str | None]]:
        return [(kind, text) for kind, text, *_ in native._references(id(of))]

    assert labels(handmade.rows) == [("Index", "0"), ("Index", "1")]
    assert labels(handmade.nested) == [("KeyObject", None), ("Key", "tea")]
    assert labels(handmade.members) == [("Member", None)]
    if sys.version_info >= (3, 11):
        assert sorted(labels(handmade.plain)) == [("Attribute", "first"), ("Attribute", "rows"), ("Type", None)]
    else:
        # There every instance has its dict.
        assert labels(handmade.plain) == [("Dict", None), ("Type", None)]
    assert labels(handmade.slotted) == [("Attribute", "left"), ("Attribute", "right"), ("Type", None)]
    assert ("Base", None) in labels(handmade.HalfSlotted)
    assert ("Dict", None) in labels(handmade.Plain)
    assert ("Local", "kept") in labels(handmade.generator) or sys.version_info < (3, 11)
    address, name, size, refcount, flags = native._object(id(handmade.rows))
    assert (address, name, size) == (id(handmade.rows), "list", sys.getsizeof(handmade.rows))
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
