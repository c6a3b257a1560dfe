"""The only deferred import: what a command does not use should not cost it any time.

    if TYPE_CHECKING:
        from rowferry.cli import terminal
    else:
        terminal = lazy.module("rowferry.cli.terminal")

Type checkers and the import contracts read the first half, Python the second; `tests/architecture` holds them equal. In
a table, where each line names the module that serves it, the second half stands alone, under a protocol.
"""

from importlib import import_module
from typing import Any


class _Deferred:
    """Stands in for a module, which is imported when something in it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by whoever looks at all that a module holds, not by whoever uses this
            raise AttributeError(name)
        return getattr(import_module(self._name), name)

    def __repr__(self) -> str:
        return f"<{self._name}, imported when it is used>"


def module(name: str) -> Any:
    """Stand in for the module `name` until it is used; ImportError comes then, too, and at each further use."""
    return _Deferred(name)
