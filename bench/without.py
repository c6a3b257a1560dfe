"""Runs a command of Rowferry with a part of it replaced, which shows what that part is worth.

`python -P without.py MODULE:NAME=STAND_IN COMMAND…` puts what a function of `stand_ins.py` makes in the place of the
name; `nothing` in the place of that leaves all as it is, so that both runs start in the same way.
"""

import os
import sys
from collections.abc import Callable
from functools import reduce, wraps
from importlib import import_module
from pathlib import Path
from typing import Any

NOTHING = "nothing"
REACHED = "ROWFERRY_BENCH_REACHED"
"""Names a file that is made once the stand-in is called."""


def main() -> None:
    switch = sys.argv.pop(1)
    program, settings = import_module("rowferry.cli.main"), import_module("rowferry.settings")
    if switch != NOTHING:
        target, _, stand_in = switch.partition("=")
        module, _, name = target.partition(":")
        if module not in (program.__name__, settings.__name__):
            # Its imports come now instead of later, but must find everything set up as they would then.
            import_module("rowferry.cli.garbage").leave_garbage()
            settings.set_up_libraries()
        sys.path.append(str(Path(__file__).parent))
        _replace(module, name, getattr(import_module("stand_ins"), stand_in))
    program.main()


def _replace(module: str, name: str, stand_in: Callable[[Any], Any]) -> None:
    *outer, last = name.split(".")
    holder = reduce(getattr, outer, import_module(module))
    made = stand_in(getattr(holder, last))
    marker = os.environ.get(REACHED)
    setattr(holder, last, _marking(made, Path(marker)) if marker else made)


def _marking(made: Callable[..., Any], marker: Path) -> Callable[..., Any]:
    @wraps(made)
    def call(*values: Any, **keywords: Any) -> Any:
        marker.touch()
        return made(*values, **keywords)

    return call


if __name__ == "__main__":
    main()
