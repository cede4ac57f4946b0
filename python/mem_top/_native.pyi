"""The extension module: conversions between Python and the Rust crates. Not public: see `mem_top`."""

from collections.abc import Iterable
from typing import final

__all__ = ["Types", "__version__", "count", "escape", "preview", "run_cli", "walks_lists"]
__version__: str

_Row = tuple[int, int | None, object]

@final
class Types:
    """Types of which all objects are wanted; itself unknown to the garbage collector, so that it is not counted."""

    def __new__(cls, types: Iterable[type], /) -> Types: ...
    def __len__(self, /) -> int: ...

def count(
    limit: int | None, wanted: Types | None, safe: bool
) -> tuple[list[_Row], list[_Row], list[tuple[int, int | None, type]], list[list[object]]]: ...
def preview(obj: object, width: int | None, safe: bool) -> str: ...
def escape(text: str, width: int | None) -> str: ...
def walks_lists() -> bool: ...
def run_cli(arguments: list[str]) -> int: ...
