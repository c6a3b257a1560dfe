"""`python -m bench [SUBJECT …]`: measure, show, and keep the results in docs/."""

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import machine, report
from bench.installed import install
from bench.lab import Lab
from bench.postgresql import server
from bench.subjects import SUBJECTS

_ROWS = 1_000_000
_ROUNDS = 3
_DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    chosen = _parser().parse_args()
    rows, rounds = (50_000, 1) if chosen.quick else (chosen.rows, chosen.rounds)
    docs = chosen.docs or (_DOCS if (rows, rounds) == (_ROWS, _ROUNDS) else None)
    install()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that the server is stopped
    with ExitStack() as open_until_end:
        folder = Path(open_until_end.enter_context(TemporaryDirectory(prefix="rowferry-bench-")))
        lab = Lab(folder, open_until_end.enter_context(server(folder)), rows, rounds)
        for name in chosen.subjects or SUBJECTS:
            _measure(lab, name, docs)
    if docs is None:
        print("Not kept: not of full size. Give --docs FOLDER to keep the results there.")


def _measure(lab: Lab, name: str, docs: Path | None) -> None:
    _, run = SUBJECTS[name]
    result = {"machine": machine.describe(lab), **run(lab).as_dict()}
    report.show(name, result)
    if docs:
        report.keep(docs, name, result)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Rowferry and its peers.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS) + "; default: all of them")
    parser.add_argument("--rows", type=int, default=_ROWS, help="rows of the usual file (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how often each way runs (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="50,000 rows, one round: to see whether all works")
    parser.add_argument("--docs", type=Path, help="where results are kept (default: docs/, if they are of full size)")
    return parser


main()
