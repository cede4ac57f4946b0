#!/usr/bin/env python3
"""Prints where things stand in CPython's structures, as its own headers say.

    tools/offsets.py                       every CPython 3.8 to 3.15 that tools/interpreters.py finds
    tools/offsets.py INCLUDE [INCLUDE …]   the versions with these headers: directories that hold Python.h
    tools/offsets.py --struct thread …     only the rows of one structure

A row a number, a column a version, in bytes; `-` where that version has no such member. Rows are called as in
crates/cpython/src/layout.rs and runtime.rs: `code.first_line` is `CodeLayout::first_line`.

It needs a C compiler (CC, else cc). A member is tried under each of its names, the first that compiles counts; so a
version that renamed one shows `-`, and gets its new name here. Exit status 1 if no version could be read.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Internal headers, those that a version does not have left out.
HEADERS = [
    "frameobject.h",
    "internal/pycore_frame.h",
    "internal/pycore_interpframe_structs.h",
    "internal/pycore_interpframe.h",
    "internal/pycore_gc.h",
    "internal/pycore_dict.h",
    "internal/pycore_code.h",
    "internal/pycore_interp.h",
    "internal/pycore_interp_structs.h",
    "internal/pycore_pystate.h",
    "internal/pycore_runtime.h",
    "internal/pycore_runtime_structs.h",
    "internal/pycore_pymem.h",
    "internal/pycore_typeobject.h",
    "internal/pycore_debug_offsets.h",
    "internal/pycore_genobject.h",
    "internal/pycore_tstate.h",
]

RUNTIME = "_PyRuntimeState"
INTERPRETER = "PyInterpreterState"
THREAD = "PyThreadState"
GC = "struct _gc_runtime_state"
HEAP_TYPE = "PyHeapTypeObject"
CODE = "PyCodeObject"
FRAME = "_PyInterpreterFrame"
OLD_FRAME = "PyFrameObject"
GENERATOR = "PyGenObject"
STATIC = "managed_static_type_state"
OLD_STATIC = "static_builtin_state"
DEBUG = "_Py_DebugOffsets"

# Row, then candidates: (structure, member), or an expression of C.
ROWS: list[tuple[str, list[tuple[str, str] | str]]] = [
    ("version.hex", ["PY_VERSION_HEX"]),
    ("object.type", [("PyObject", "ob_type")]),
    ("object.size", [("PyVarObject", "ob_size")]),
    ("type_object.name", [("PyTypeObject", "tp_name")]),
    ("type_object.basic_size", [("PyTypeObject", "tp_basicsize")]),
    ("type_object.item_size", [("PyTypeObject", "tp_itemsize")]),
    ("type_object.dealloc", [("PyTypeObject", "tp_dealloc")]),
    ("type_object.flags", [("PyTypeObject", "tp_flags")]),
    ("type_object.traverse", [("PyTypeObject", "tp_traverse")]),
    ("type_object.weak_list_offset", [("PyTypeObject", "tp_weaklistoffset")]),
    ("type_object.base", [("PyTypeObject", "tp_base")]),
    ("type_object.dict", [("PyTypeObject", "tp_dict")]),
    ("type_object.dict_offset", [("PyTypeObject", "tp_dictoffset")]),
    ("type_object.bases", [("PyTypeObject", "tp_bases")]),
    ("type_object.mro", [("PyTypeObject", "tp_mro")]),
    ("type_object.subclasses", [("PyTypeObject", "tp_subclasses")]),
    ("type_object.sizeof", ["sizeof(PyTypeObject)"]),
    ("container.list_items", [("PyListObject", "ob_item")]),
    ("container.list_allocated", [("PyListObject", "allocated")]),
    ("container.set_used", [("PySetObject", "used")]),
    ("container.set_mask", [("PySetObject", "mask")]),
    ("container.set_table", [("PySetObject", "table")]),
    ("container.dict_used", [("PyDictObject", "ma_used")]),
    ("container.dict_keys", [("PyDictObject", "ma_keys")]),
    ("container.dict_values", [("PyDictObject", "ma_values")]),
    ("heap_type.name", [(HEAP_TYPE, "ht_name")]),
    ("heap_type.slots", [(HEAP_TYPE, "ht_slots")]),
    ("heap_type.qualname", [(HEAP_TYPE, "ht_qualname")]),
    ("heap_type.cached_keys", [(HEAP_TYPE, "ht_cached_keys")]),
    ("heap_type.module", [(HEAP_TYPE, "ht_module")]),
    ("heap_type.sizeof", [f"sizeof({HEAP_TYPE})"]),
    ("code.consts", [(CODE, "co_consts")]),
    ("code.names", [(CODE, "co_names")]),
    ("code.filename", [(CODE, "co_filename")]),
    ("code.name", [(CODE, "co_name")]),
    ("code.qualname", [(CODE, "co_qualname"), (CODE, "co_name")]),
    ("code.first_line", [(CODE, "co_firstlineno")]),
    ("code.line_table", [(CODE, "co_linetable"), (CODE, "co_lnotab")]),
    ("code.local_names", [(CODE, "co_localsplusnames"), (CODE, "co_varnames")]),
    ("code.local_count", [(CODE, "co_nlocalsplus"), (CODE, "co_nlocals")]),
    ("code.stack_size", [(CODE, "co_stacksize")]),
    ("code.cells", [(CODE, "co_cellvars")]),
    ("code.free", [(CODE, "co_freevars")]),
    ("code.free_count", [(CODE, "co_nfreevars")]),
    ("code.instructions", [(CODE, "co_code_adaptive"), (CODE, "co_code")]),
    ("code.other", [(CODE, "co_exceptiontable"), (CODE, "co_code")]),
    ("frame.code", [(FRAME, "f_executable"), (FRAME, "f_code"), (OLD_FRAME, "f_code")]),
    ("frame.previous", [(FRAME, "previous"), (OLD_FRAME, "f_back")]),
    ("frame.function", [(FRAME, "f_funcobj"), (FRAME, "f_func")]),
    ("frame.globals", [(FRAME, "f_globals"), (OLD_FRAME, "f_globals")]),
    ("frame.builtins", [(FRAME, "f_builtins"), (OLD_FRAME, "f_builtins")]),
    ("frame.locals", [(FRAME, "f_locals"), (OLD_FRAME, "f_locals")]),
    ("frame.instruction", [(FRAME, "instr_ptr"), (FRAME, "prev_instr"), (OLD_FRAME, "f_lasti")]),
    (
        "frame.stack_top",
        [(FRAME, "stackpointer"), (FRAME, "stacktop"), (OLD_FRAME, "f_stackdepth"), (OLD_FRAME, "f_stacktop")],
    ),
    ("frame.value_stack", [(OLD_FRAME, "f_valuestack")]),
    ("frame.trace", [(OLD_FRAME, "f_trace")]),
    ("frame.owner", [(FRAME, "owner")]),
    ("frame.locals_plus", [(FRAME, "localsplus"), (OLD_FRAME, "f_localsplus")]),
    ("frame.in_generator", [(GENERATOR, "gi_iframe"), (GENERATOR, "gi_frame")]),
    ("frame.generator_state", [(GENERATOR, "gi_frame_state")]),
    ("frame.cleared", ["FRAME_CLEARED"]),
    ("frame.in_frame_object", [("struct _frame", "f_frame")]),
    ("thread.previous", [(THREAD, "prev")]),
    ("thread.next", [(THREAD, "next")]),
    ("thread.interpreter", [(THREAD, "interp")]),
    ("thread.frame", [(THREAD, "current_frame"), (THREAD, "frame"), (THREAD, "cframe")]),
    ("thread.in_cframe", [("_PyCFrame", "current_frame")]),
    ("thread.dict", [(THREAD, "dict")]),
    ("thread.context", [(THREAD, "context")]),
    ("thread.thread_id", [(THREAD, "thread_id")]),
    ("thread.stack_chunk", [(THREAD, "datastack_chunk")]),
    ("text.ascii", ["sizeof(PyASCIIObject)"]),
    ("text.compact", ["sizeof(PyCompactUnicodeObject)"]),
    ("runtime.core_initialized", [(RUNTIME, "core_initialized")]),
    ("runtime.initialized", [(RUNTIME, "initialized")]),
    ("runtime.finalizing", [(RUNTIME, "_finalizing"), (RUNTIME, "finalizing")]),
    ("runtime.interpreters", [(RUNTIME, "interpreters.head")]),
    ("runtime.gc", [(RUNTIME, "gc")]),
    ("runtime.sizeof", [f"sizeof({RUNTIME})"]),
    ("interpreter.next", [(INTERPRETER, "next")]),
    ("interpreter.id", [(INTERPRETER, "id")]),
    ("interpreter.threads", [(INTERPRETER, "threads.head"), (INTERPRETER, "tstate_head")]),
    ("interpreter.finalizing", [(INTERPRETER, "_finalizing"), (INTERPRETER, "finalizing")]),
    ("interpreter.modules", [(INTERPRETER, "imports.modules"), (INTERPRETER, "modules")]),
    ("interpreter.sysdict", [(INTERPRETER, "sysdict")]),
    ("interpreter.builtins", [(INTERPRETER, "builtins")]),
    ("interpreter.gc", [(INTERPRETER, "gc")]),
    ("interpreter.sizeof", ["sizeof(PyInterpreterState)", "sizeof(struct _is)"]),
    ("gc.enabled", [(GC, "enabled")]),
    ("gc.generations", [(GC, "generations"), (GC, "young")]),
    ("gc.permanent", [(GC, "permanent_generation")]),
    ("gc.generation0", [(GC, "generation0")]),
    ("gc.collecting", [(GC, "collecting")]),
    ("gc.garbage", [(GC, "garbage")]),
    ("gc.sizeof", [f"sizeof({GC})"]),
    ("generation.sizeof", ["sizeof(struct gc_generation)"]),
    ("generation.threshold", [("struct gc_generation", "threshold")]),
    ("generation.count", [("struct gc_generation", "count")]),
    (
        "static_types.first",
        [(INTERPRETER, "types.builtins.initialized"), (INTERPRETER, "types.builtins")],
    ),
    (
        "static_types.count",
        [(INTERPRETER, "types.builtins.num_initialized"), (INTERPRETER, "types.num_builtins_initialized")],
    ),
    (
        "static_types.room",
        [
            f"sizeof((({INTERPRETER}*)0)->types.builtins.initialized) / sizeof({STATIC})",
            f"sizeof((({INTERPRETER}*)0)->types.builtins) / sizeof({OLD_STATIC})",
        ],
    ),
    ("static_types.extensions", [(INTERPRETER, "types.for_extensions.initialized")]),
    (
        "static_types.extensions_room",
        [f"sizeof((({INTERPRETER}*)0)->types.for_extensions.initialized) / sizeof({STATIC})"],
    ),
    ("static_types.sizeof", [f"sizeof({STATIC})", f"sizeof({OLD_STATIC})"]),
    ("static_types.type", [(STATIC, "type"), (OLD_STATIC, "type")]),
    ("static_types.dict", [(STATIC, "tp_dict"), (OLD_STATIC, "tp_dict")]),
    ("debug.version", [(DEBUG, "version")]),
    ("debug.free_threaded", [(DEBUG, "free_threaded")]),
    ("debug.interpreters", [(DEBUG, "runtime_state.interpreters_head")]),
    ("debug.finalizing", [(DEBUG, "runtime_state.finalizing")]),
    ("debug.interpreter_id", [(DEBUG, "interpreter_state.id")]),
    ("debug.interpreter_next", [(DEBUG, "interpreter_state.next")]),
    ("debug.threads", [(DEBUG, "interpreter_state.threads_head")]),
    ("debug.gc", [(DEBUG, "interpreter_state.gc")]),
    ("debug.modules", [(DEBUG, "interpreter_state.imports_modules")]),
    ("debug.sysdict", [(DEBUG, "interpreter_state.sysdict")]),
    ("debug.builtins", [(DEBUG, "interpreter_state.builtins")]),
    ("debug.collecting", [(DEBUG, "gc.collecting")]),
    ("debug.object_type", [(DEBUG, "pyobject.ob_type")]),
]


class Failed(Exception):
    """Why a version's headers could not be read."""


def expression(candidate: tuple[str, str] | str) -> str:
    return candidate if isinstance(candidate, str) else f"offsetof({candidate[0]}, {candidate[1]})"


def program(include: Path, tried: list[tuple[str, str]]) -> str:
    """C that holds each number in a symbol's size: a line each, so that an error says which does not compile."""
    headers = "".join(f'#include "{name}"\n' for name in HEADERS if (include / name).exists())
    start = f"#define Py_BUILD_CORE 1\n#include <stddef.h>\n#include <stdio.h>\n#include <Python.h>\n{headers}"
    body = "".join(
        f'#line {number + 1} "rows"\n    printf("{row} %lld\\n", (long long)({what}));\n'
        for number, (row, what) in enumerate(tried)
    )
    return f"{start}\nint main(void) {{\n{body}    return 0;\n}}\n"


def offsets(include: Path) -> dict[str, int]:
    """The number of each row that this version has."""
    tried = [(row, expression(candidate)) for row, candidates in ROWS for candidate in candidates]
    compiler = os.environ.get("CC", "cc")
    # Debian keeps pyconfig.h in a directory by architecture, beside that of the headers.
    beside = [str(path.parent) for path in include.parent.glob(f"*/{include.name}/pyconfig.h")]
    flags = [f"-I{directory}" for directory in (include, include / "internal", include.parent, *beside)]
    with tempfile.TemporaryDirectory() as directory:
        source, binary = Path(directory, "offsets.c"), Path(directory, "offsets")
        # Once to learn what does not compile, once without that; a third time only if an error hid another.
        for _ in range(3):
            source.write_text(program(include, tried))
            command = [compiler, "-w", "-fmax-errors=0", *flags, str(source), "-o", str(binary)]
            built = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
            if built.returncode == 0:
                break
            wrong = {int(line) - 1 for line in re.findall(r"^rows:(\d+):", built.stderr, re.MULTILINE)}
            if not wrong:
                raise Failed(built.stderr.strip()[:1000] or f"{compiler} failed")
            tried = [one for number, one in enumerate(tried) if number not in wrong]
        else:
            raise Failed("rows that compile alone do not compile together")
        said = subprocess.run([str(binary)], capture_output=True, text=True, check=True).stdout
    found: dict[str, int] = {}
    for line in said.splitlines():
        row, number = line.split()
        found.setdefault(row, int(number))
    return found


def at_hand() -> list[Path]:
    """The headers of the interpreters of this machine."""
    finder = Path(__file__).with_name("interpreters.py")
    said = subprocess.run([sys.executable, str(finder), "--json"], capture_output=True, text=True, check=True).stdout
    headers = (
        Path(path).resolve().parent.parent / "include" / f"python{version}"
        for version, path in json.loads(said).items()
    )
    return [include for include in headers if (include / "Python.h").exists()]


def name_of(version: int) -> str:
    return f"3.{version >> 16 & 255}.{version >> 8 & 255}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("include", nargs="*", type=Path, help="a directory that holds Python.h")
    parser.add_argument("--struct", help="only rows of this structure, as `thread`")
    arguments = parser.parse_args()
    columns: list[dict[str, int]] = []
    for include in arguments.include or at_hand():
        try:
            columns.append(offsets(include.resolve()))
        except Failed as error:
            print(f"error: {include}: {error}\nhint: the directory must hold Python.h and internal/", file=sys.stderr)
    if not columns:
        print("error: no version's headers could be read\nhint: name a directory that holds Python.h", file=sys.stderr)
        return 1
    print(" ".join([f"{'in bytes':30}", *(f"{name_of(column['version.hex']):>8}" for column in columns)]))
    for row, _ in ROWS[1:]:
        if arguments.struct is None or row.startswith(f"{arguments.struct}."):
            numbers = (str(column[row]) if row in column else "-" for column in columns)
            print(" ".join([f"{row:30}", *(f"{number:>8}" for number in numbers)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
