"""The function `mem_top()`, a drop-in replacement for the one of mem_top 0.2.1.

The counting is native (`_native.count`). This module checks the arguments, formats the rows with the caller's formats,
and writes the verbose file. An object or type that misbehaves spoils only the text of its own row.
"""

from __future__ import annotations

import gc
import operator
import os
import stat
import sys
import warnings

from . import _native

TYPE_CHECKING = False  # importing `typing` would slow down the start of programs
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import SupportsIndex, TypeVar

    _T = TypeVar("_T")

_FIELDS = "num, type, obj, growth"


class VerboseFileWarning(UserWarning):
    """The verbose file was not written, because the path is a link, not a regular file, or another user's file."""


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
    """Show the top suspects for a memory leak. Call it from time to time, and see which counters keep growing.

    The report has three sections, over all objects that the garbage collector tracks:

    * `refs`: the objects with the most direct references to others, such as the keys and values of a dict.
    * `bytes`: the largest objects by their own size, `sys.getsizeof()`, without the objects that they refer to.
    * `types`: the types with the most objects.

    `limit` is the number of rows in a section, and `width` the number of characters of an object's repr; None means no
    limit. `sep` separates rows. The fields of the formats are `{num}`, `{type}`, `{obj}`, and `{growth}`: the signed
    change of the row's number since the last call in this process, or nothing if it is unknown.

    `verbose_types` writes the reprs of *all* objects of these types, longest first, to `verbose_file_name`. If that is
    None, they are returned instead of the report. This takes as long as those reprs do.

    A garbage collection runs first unless `collect` is False. `safe=True` runs no code of the program: no `__repr__`,
    no `__sizeof__`, and no collection unless `collect` is True. Objects with their own `__repr__` are then shown by
    their type and address.

    Raises TypeError or ValueError for a wrong argument before any work is done, and OSError if the verbose file cannot
    be written. A KeyboardInterrupt passes through.
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
    # During the count, the collector tracks no object of this call: the frame has no cells, and `wanted` is a native
    # object.
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
    """A type as an argument of a format. Its text is escaped, and a metaclass that raises does not end the report."""

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
            raise AttributeError(f"with safe=True, a type has only {', '.join(_TYPE_NAMES)}, not {name}")
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


# The names as `type` itself reads them, whatever a metaclass overrides.
_TYPE_NAMES: dict[str, Callable[[type], object]] = {
    name: type.__dict__[name].__get__ for name in ("__name__", "__qualname__", "__module__")
}


def _parts(name: _TypeName) -> tuple[type, bool]:
    get = object.__getattribute__
    return get(name, "_of"), get(name, "_safe")


def _text(own: Callable[[], str], of: type) -> str:
    return _native.escape(_isolated(own, lambda: type.__repr__(of)), None)


def _isolated(own: Callable[[], _T], instead: Callable[[], _T]) -> _T:
    """Return the result of the user's code, or, if it raises anything but a KeyboardInterrupt, of the interpreter's."""
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
    """Format a sample row, so that a wrong format is found before any work is done."""
    if not isinstance(format, str):
        raise TypeError(f"{argument} must be a str, not {_name(type(format))}")
    try:
        str.format(format, num=1, growth="+1", type=_TypeName(object, safe), obj="object")
    except (KeyError, IndexError) as error:
        raise ValueError(f"{argument} has an unknown field {error}; the fields are {_FIELDS}: {format!r}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{argument} cannot be formatted: {error}: {format!r}") from None


def _verbose(wanted: list[list[object]], width: int | None, sep: str, format: str, safe: bool) -> str:
    """The reprs of all objects of the wanted types, type by type, longest first."""
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
    """Replace the file as a whole, readable only by this user. Reprs may contain secrets, and the default path is in a
    directory where anyone may plant a link. Anything but a regular file of this user is left alone, with a warning.
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
    import tempfile  # slow to import, and rarely needed

    written = None
    try:
        # Created with mode 0600, and renamed, which follows no link and never shows half a file.
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
