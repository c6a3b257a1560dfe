"""Runs a command of Rowferry with a part of it replaced, which shows what that part is worth.

`python -P without.py MODULE:NAME=STAND_IN[,…] COMMAND…` puts what functions of `stand_ins.py` make in the place of
names; `nothing` instead leaves all as it is, so that both runs start in the same way.
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
"""Names a file that is made once a stand-in is called: with its name behind a hyphen, since there may be several."""


def main() -> None:
    switches = sys.argv.pop(1)
    program = import_module("rowferry.cli.main")
    for switch in switches.split(","):
        if switch != NOTHING:
            _switch_off(*switch.split("="))
    program.main()


def _switch_off(target: str, stand_in: str) -> None:
    module, _, name = target.partition(":")
    settings = import_module("rowferry.settings")
    if module not in ("rowferry.cli.main", settings.__name__):
        # Its imports come now instead of later, but must find everything set up as they would then.
        import_module("rowferry.cli.garbage").leave_garbage()
        settings.set_up_libraries()
    sys.path.append(str(Path(__file__).parent))
    _replace(module, name, getattr(import_module("stand_ins"), stand_in))


def _replace(module: str, name: str, stand_in: Callable[[Any], Any]) -> None:
    *outer, last = name.split(".")
    holder = reduce(getattr, outer, import_module(module))
    made = stand_in(getattr(holder, last))
    marker = os.environ.get(REACHED)
    setattr(holder, last, _marking(made, Path(f"{marker}-{stand_in.__name__}")) if marker else made)


def _marking(made: Callable[..., Any], marker: Path) -> Callable[..., Any]:
    @wraps(made)
    def call(*values: Any, **keywords: Any) -> Any:
        marker.touch()
        return made(*values, **keywords)

    return call


if __name__ == "__main__":
    main()
