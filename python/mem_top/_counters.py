"""The drop-in `mem_top()`: arguments in, the text of mem_top 0.2.1 out.

The counting is native (`_native.count`); here the arguments are checked, the rows are formatted with the caller's
formats, and the verbose file is written. Whatever an object or its type does in here costs its own row's text.
"""

from __future__ import annotations

import gc
import operator
import os
import stat
import sys
import warnings

from . import _native

TYPE_CHECKING = False  # the importer of a program in production should not pay for `typing`
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import SupportsIndex, TypeVar

    _T = TypeVar("_T")

_FIELDS = "num, type, obj, growth"


class VerboseFileWarning(UserWarning):
    """The verbose file was refused: it is a link, or not a plain file, or another user's."""


def mem_top(
    limit: SupportsIndex | None = 10,
    width: SupportsIndex | None = 100,
    sep: str = "\n",
    refs_format: str = "{num}\t{type} {obj}",
    bytes_format: str = "{num}\t {obj}",
    types_format: str = "{num}\t {obj}",
    verbose_types: Iterable[type] | None = None,
    verbose_file_name: str | os.PathLike[str] | None = "/tmp/mem_top",
    *,
    collect: bool | None = None,
    safe: bool = False,
) -> str:
    """Show the top suspects for a memory leak: call it from time to time, and see which counters keep growing.

    Three sections, over all objects that the garbage collector knows:

    * `refs`: the objects with the most direct references to others, such as the keys and values of a dict.
    * `bytes`: the largest objects by their own size, `sys.getsizeof()`, without what they refer to.
    * `types`: the types with the most objects.

    `limit` is the number of rows in a section and `width` that of characters of an object's repr, None for no limit;
    `sep` stands between rows. The formats know `{num}`, `{type}`, `{obj}`, and `{growth}`: the signed change of the
    row's number since the last call in this process, or nothing where it cannot be known.

    `verbose_types` asks for the reprs of *all* objects of these types, longest first, in `verbose_file_name`, or, if
    that is None, returned instead of the report. It costs as much as those reprs do.

    A garbage collection comes first unless `collect` is False. `safe=True` runs none of the program's code: no
    `__repr__` or `__sizeof__`, no collection unless `collect` asks for it; objects with a repr of their own are
    shown by their type and address.

    Raises TypeError or ValueError for a wrong argument before any work, OSError for a verbose file that cannot be
    written, and lets a KeyboardInterrupt through.
    """
    limit = _length("limit", limit)
    width = _length("width", width)
    if not isinstance(sep, str):
        raise TypeError(f"sep must be a str, not {_name(type(sep))}")
    _check_format("refs_format", refs_format, safe)
    _check_format("bytes_format", bytes_format, safe)
    _check_format("types_format", types_format, safe)
    wanted = None
    if verbose_types is not None:
        wanted = _native.Types(verbose_types)
        if verbose_file_name is not None and not isinstance(verbose_file_name, (str, bytes, os.PathLike)):
            raise TypeError(f"verbose_file_name must be a path or None, not {_name(type(verbose_file_name))}")

    if collect or (collect is None and not safe):
        gc.collect()
    # While this counts, nothing of this call is known to the collector: the frame has no cells, what is wanted is a
    # native object.
    refs, sizes, types, verbose = _native.count(limit, wanted, safe)

    if wanted:
        text = _verbose(verbose, width, sep, types_format, safe)
        if not verbose_file_name:
            return text
        _write_verbose(verbose_file_name, text)
    return sep.join(
        (
            "",
            "refs:",
            _rows(refs, refs_format, width, sep, safe),
            "",
            "bytes:",
            _rows(sizes, bytes_format, width, sep, safe),
            "",
            "types:",
            _rows(types, types_format, width, sep, safe),
            "",
        )
    )


def _rows(
    section: Iterable[tuple[int, int | None, object]], format: str, width: int | None, sep: str, safe: bool
) -> str:
    return sep.join(
        str.format(
            format,
            num=num,
            growth="" if growth is None else f"{growth:+d}",
            type=_TypeName(type(obj), safe),
            obj=_native.preview(obj, width, safe),
        )
        for num, growth, obj in section
    )


class _TypeName:
    """A type as a format sees it: its text is escaped, and a metaclass that raises costs no report."""

    __slots__ = ("_of", "_safe")

    def __init__(self, of: type, safe: bool) -> None:
        object.__setattr__(self, "_of", of)
        object.__setattr__(self, "_safe", safe)

    def __getattribute__(self, name: str) -> object:
        of, safe = _parts(self)
        if name in _TYPE_NAMES:
            native = _TYPE_NAMES[name]
            value = native(of) if safe else _isolated(lambda: getattr(of, name), lambda: native(of))
        elif safe:
            raise AttributeError(f"safe=True knows of a type only {', '.join(_TYPE_NAMES)}, not {name}")
        else:
            value = getattr(of, name)
        return _native.escape(value, None) if isinstance(value, str) else value

    def __format__(self, spec: str) -> str:
        of, safe = _parts(self)
        return _text(lambda: format(type.__repr__(of), spec) if safe else format(of, spec), of)

    def __str__(self) -> str:
        of, safe = _parts(self)
        return _text(lambda: type.__repr__(of) if safe else str(of), of)

    def __repr__(self) -> str:
        of, safe = _parts(self)
        return _text(lambda: type.__repr__(of) if safe else repr(of), of)


# How `type` itself reads the names, whatever a metaclass says.
_TYPE_NAMES: dict[str, Callable[[type], object]] = {
    name: type.__dict__[name].__get__ for name in ("__name__", "__qualname__", "__module__")
}


def _parts(name: _TypeName) -> tuple[type, bool]:
    get = object.__getattribute__
    return get(name, "_of"), get(name, "_safe")


def _text(own: Callable[[], str], of: type) -> str:
    return _native.escape(_isolated(own, lambda: type.__repr__(of)), None)


def _isolated(own: Callable[[], _T], instead: Callable[[], _T]) -> _T:
    """What the user's code answers; if it raises anything but a KeyboardInterrupt, what the interpreter's does."""
    try:
        return own()
    except KeyboardInterrupt:
        raise
    except BaseException:
        return instead()


def _name(of: type) -> str:
    return _native.escape(type.__dict__["__qualname__"].__get__(of), 100)


def _length(argument: str, value: SupportsIndex | None) -> int | None:
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{argument} must be an integer or None, not {_name(type(value))}") from None
    if number < 0:
        raise ValueError(f"{argument} must not be negative: {number}")
    return min(number, sys.maxsize)


def _check_format(argument: str, format: str, safe: bool) -> None:
    """Formats a row that could be, so that a wrong format is known before any work."""
    if not isinstance(format, str):
        raise TypeError(f"{argument} must be a str, not {_name(type(format))}")
    try:
        str.format(format, num=1, growth="+1", type=_TypeName(object, safe), obj="object")
    except (KeyError, IndexError) as error:
        raise ValueError(f"{argument} has an unknown field {error}: there are {_FIELDS}: {format!r}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{argument} cannot be formatted: {error}: {format!r}") from None


def _verbose(wanted: list[list[object]], width: int | None, sep: str, format: str, safe: bool) -> str:
    """The reprs of all objects of the wanted types, type by type, the longest first."""
    types = []
    for objects in wanted:
        rows = []
        for obj in objects:
            text = _native.preview(obj, width, safe=True) if safe else _repr(obj)
            rows.append((len(text), _native.escape(text, width), type(obj)))
        rows.sort(key=lambda row: -row[0])
        types.append(
            sep.join(
                str.format(format, num=num, growth="", type=_TypeName(of, safe), obj=text) for num, text, of in rows
            )
        )
    return sep.join(types)


def _repr(obj: object) -> str:
    return _isolated(lambda: repr(obj), lambda: f"(broken __repr__, type={type.__repr__(type(obj))})")


def _write_verbose(path: str | bytes | os.PathLike[str], text: str) -> None:
    """Replaces the file as a whole, for the user alone to read. Reprs may hold secrets, and the default name stands
    in a folder where anyone may plant a link: what is not this user's plain file is left as it is, with a warning.
    """
    name = os.fsdecode(path)
    try:
        there = os.lstat(name)
    except FileNotFoundError:
        refused = None
    else:
        if stat.S_ISLNK(there.st_mode):
            refused = "it is a symbolic link"
        elif not stat.S_ISREG(there.st_mode):
            refused = "it is not a regular file"
        elif hasattr(os, "geteuid") and there.st_uid != os.geteuid():
            refused = "it belongs to another user"
        else:
            refused = None
    if refused:
        warnings.warn(
            f"mem_top: the verbose file {name!r} was not written: {refused}; pass another verbose_file_name",
            VerboseFileWarning,
            stacklevel=3,
        )
        return
    import tempfile  # costly, and seldom needed

    written = None
    try:
        # Created 0600; renamed over the name, which follows no link, so that no reader sees half of it.
        file, written = tempfile.mkstemp(prefix=".mem_top-", dir=os.path.dirname(name) or ".")
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(text)
        os.replace(written, name)
    except BaseException as error:
        if written is not None and os.path.exists(written):
            os.unlink(written)
        if isinstance(error, OSError):
            raise type(error)(
                error.errno, f"mem_top: the verbose file was not written: {error.strerror}", name
            ) from error
        raise
