"""Answers: frozen objects with fields, a text for people, HTML for notebooks, and a dict for JSON.

The fields of an answer are those that the corresponding command prints with `--json`, which are documented there. An
answer has only names and numbers, and keeps none of the program's objects alive. To keep `import mem_top` fast, other
modules are imported when they are first needed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return Record(value)
    if isinstance(value, list):
        return tuple(_wrapped(item) for item in value)
    return value


class Record:
    """A part of an answer: `record.holder`, or `record["any name"]` for a field whose name is not an identifier."""

    __slots__ = ("_fields",)
    _fields: dict[str, Any]

    def __init__(self, fields: dict[str, Any]) -> None:
        object.__setattr__(self, "_fields", fields)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._fields:
            return _wrapped(self._fields[name])
        known = ", ".join(sorted(self._fields)) if not name.startswith("_") else ""
        raise AttributeError(
            f"{type(self).__name__} has no field {name!r}" + (f": the fields are {known}" if known else "")
        )

    def __getitem__(self, name: str) -> Any:
        return _wrapped(self._fields[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __dir__(self) -> list[str]:
        return [*self._fields, "to_dict"]

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._fields == other._fields

    def __hash__(self) -> int:
        import json

        return hash(json.dumps(self._fields, sort_keys=True))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._fields,)

    def __str__(self) -> str:
        summary = self._fields.get("summary") or self._fields.get("text")
        return summary if isinstance(summary, str) else repr(self)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._fields.items())
        return f"{type(self).__name__}({fields})"

    def to_dict(self) -> dict[str, Any]:
        """The fields as dicts, lists, strings and numbers, ready for JSON."""
        import json

        fields: dict[str, Any] = json.loads(json.dumps(self._fields))
        return fields


class Answer(Record):
    """An answer to a question about memory. `print(answer)` shows it; `answer.to_dict()` is for programs."""

    __slots__ = ("_html", "_text")
    _text: str
    _html: str

    def __init__(self, text: str, fields: str, html: str) -> None:
        import json

        super().__init__(json.loads(fields))
        object.__setattr__(self, "_text", text)
        object.__setattr__(self, "_html", html)

    def __reduce__(self) -> tuple[Any, ...]:
        import json

        return type(self), (self._text, json.dumps(self._fields), self._html)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._html
