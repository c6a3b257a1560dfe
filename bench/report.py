"""Shows results on the terminal, and keeps them in docs/benchmarks.json and docs/benchmarks.md."""

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.subjects import SUBJECTS

Result = dict[str, Any]
"""What is kept of a subject: {"machine": {…}, "contests": […], "targets": […]}."""

_OPENING = """\
# Benchmarks

Written by `make bench`; `python -m bench SUBJECT` measures one subject again.
Raw results: [benchmarks.json](benchmarks.json).

Whole processes are measured, including their start, unless a table says that a connection is kept open. The ways of a
table take turns in one run, each in a fresh copy of the same database; a run that does not end with the right number
of rows has no result. Seconds are the median of all rounds; a ratio (to the first way of its table) is the
median of the ratios of each round, so that it holds where times drift. The peak is the memory of the client, not of
the database server; anything below 9 MB counts as 9. In the commands, `BENCH` is the temporary folder of the run.
Rowferry is installed as users install it, and runs on the Python of the system, as its peers are builds of the system:
a Python that was compiled without optimization takes a tenth longer.

What a mechanism is worth is measured by the work that it was made for, with it and with a plainer one in its place
(`bench/stand_ins.py`), in turns; the fastest runs count. Its processor time is that of the client as well: what the
database server is spared shows in the seconds alone.
"""

_SHORT_SECONDS = 0.5

_HEADINGS = ("way", "seconds", "fastest to slowest", "times the first", "peak MB")


def keep(folder: Path, name: str, result: Result) -> None:
    """Put the result of a subject in the place of its former one."""
    raw = folder / "benchmarks.json"
    kept: dict[str, Result] = json.loads(raw.read_text(encoding="utf-8")) if raw.exists() else {}
    kept[name] = result
    _write(raw, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    _write(folder / "benchmarks.md", markdown(kept))


def show(name: str, result: Result) -> None:
    """Print the result of a subject."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    for contest in result["contests"]:
        console.print(_rich(contest["title"], _HEADINGS, _rows(contest)))
    for listing in result["listings"]:
        console.print(_rich(listing["title"], tuple(listing["headings"]), listing["rows"]))
    console.print(_rich(f"Targets: {name}", ("target", "wanted", "measured", ""), _targets(result)))


def markdown(kept: dict[str, Result]) -> str:
    """All results as one page."""
    parts = [_OPENING]
    for name, (heading, _) in SUBJECTS.items():
        if name in kept:
            parts += [f"## {heading}\n", *_section(kept[name])]
    return "\n".join(parts)


def _section(result: Result) -> list[str]:
    parts = [_table(("target", "wanted", "measured", ""), _targets(result))] if result["targets"] else []
    for contest in result["contests"]:
        parts += [f"### {contest['title']}\n", _table(_HEADINGS, _rows(contest)), *_commands(contest)]
    for listing in result.get("listings", ()):
        parts += [f"### {listing['title']}\n", _table(tuple(listing["headings"]), listing["rows"])]
    parts += ["### Measured on\n", *(f"- {name}: {value}" for name, value in result["machine"].items()), ""]
    return parts


def _commands(contest: Result) -> list[str]:
    lines = [f"# {outcome['name']}\n{outcome['command']}" for outcome in contest["outcomes"]]
    return ["```sh", *lines, "```", ""]


def _rows(contest: Result) -> list[tuple[str, ...]]:
    base = contest["outcomes"][0]
    return [_row(outcome, base) for outcome in contest["outcomes"]]


def _row(outcome: Result, base: Result) -> tuple[str, ...]:
    if outcome["problem"]:
        return (outcome["name"], "no result", outcome["problem"], "", "")
    seconds = outcome["seconds"]
    ratio = "" if base["problem"] else f"{median(a / b for a, b in zip(seconds, base['seconds'], strict=True)):.2f}"
    digits = 2 if max(seconds) >= _SHORT_SECONDS else 4
    spread = f"{min(seconds):.{digits}f} to {max(seconds):.{digits}f}"
    peak = f"{max(outcome['peak_mb']):.0f}" if outcome["peak_mb"] else ""
    return (outcome["name"], f"{median(seconds):.{digits}f}", spread, ratio, peak)


def _targets(result: Result) -> list[tuple[str, ...]]:
    verdicts = {True: "met", False: "NOT met", None: "no result"}
    return [
        (t["text"], t["wanted"], "" if t["measured"] is None else f"{t['measured']:.2f}", verdicts[t["met"]])
        for t in result["targets"]
    ]


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _rich(title: str, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    table = Table(*headings, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    return table


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
