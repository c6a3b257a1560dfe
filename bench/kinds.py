"""Loads into tables that have a key and a column of one kind, each against the recipe of experts."""

import csv
import random
from functools import partial
from pathlib import Path

from bench.checks import must_hold
from bench.contests import Contest, Findings, Listing, Target, Way, hold
from bench.installed import ROWFERRY
from bench.judged_values import SAMPLES
from bench.lab import Lab

_OURS, _RECIPE = "Rowferry", "the recipe"
_MODELS = {"ROWFERRY_MODELS": "kind_models", "PYTHONPATH": str(Path(__file__).parent)}
_RUN, _TEMPLATE = "run", "kinds"
_SEED = 20210101
_HEADINGS = ("kind", "Rowferry, s", "CPU, s", "the recipe, s", "times as fast")


def run(lab: Lab) -> Findings:
    """Measure loads of every kind into PostgreSQL."""
    folder = lab.folder / "kinds"
    folder.mkdir()
    lab.server.create(_TEMPLATE)
    lab.aside([ROWFERRY, "db", "upgrade"], {"SQLALCHEMY_DATABASE_URL": lab.server.url(_TEMPLATE), **_MODELS})
    contests = {name: _hold(lab, folder, at, name) for at, name in enumerate(SAMPLES)}
    rows = [(name, *_figures(contest)) for name, contest in contests.items()]
    targets = [
        Target.at_least(f"Times as fast as the recipe, {name}", 1, contest.ratio(_RECIPE, _OURS))
        for name, contest in contests.items()
    ]
    title = f"Loads of {lab.rows:,} rows of a key and a value into PostgreSQL, by kind"
    return Findings([], targets, [Listing(title, _HEADINGS, rows)])


def _figures(contest: Contest) -> tuple[str, ...]:
    ours, recipe, times = contest.find(_OURS), contest.find(_RECIPE), contest.ratio(_RECIPE, _OURS)
    if ours is None or recipe is None or times is None:
        return tuple(outcome.problem or "measured" for outcome in contest.outcomes)
    cpu = sum(ours.cpu_seconds) / len(ours.cpu_seconds)
    return f"{ours.median_seconds:.2f}", f"{cpu:.2f}", f"{recipe.median_seconds:.2f}", f"{times:.2f}"


def _hold(lab: Lab, folder: Path, at: int, name: str) -> Contest:
    server, table = lab.server, f"kind_{at}"
    ours, theirs = _write(folder, table, name, lab.rows)
    check = partial(must_hold, lab.rows, partial(server.value, _RUN, f"SELECT count(*) FROM {table}"), (0,))
    copy, add = f"\\copy {table} FROM '{theirs}' WITH (FORMAT csv)", f"ALTER TABLE {table} ADD PRIMARY KEY (id)"
    environment = {"SQLALCHEMY_DATABASE_URL": server.url(_RUN), **_MODELS}

    def prepare(*statements: str) -> None:
        server.create(_RUN, _TEMPLATE)
        server.execute(_RUN, *statements)
        server.settle(_RUN)

    bare = partial(prepare, f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    ways = [
        Way(_OURS, lab.rows, [ROWFERRY, "load", str(ours), "--json"], prepare, check, environment),
        Way(_RECIPE, lab.rows, server.psql_command(server.url(_RUN), copy, add), bare, check),
    ]
    contest = hold(lab, f"{lab.rows:,} rows of {name}", ways)
    for path in {ours, theirs}:
        path.unlink()
    return contest


def _write(folder: Path, table: str, name: str, rows: int) -> tuple[Path, Path]:
    """A file of so many rows, the same each time; and the same as PostgreSQL spells it, if that is another one."""
    _, spell = SAMPLES[name]
    chance = random.Random(_SEED)  # nothing secret
    values = [spell(chance) for _ in range(rows)]
    ours = folder / f"{table}.csv"
    _write_file(ours, values)
    if not name.endswith("[]"):
        return ours, ours
    theirs = folder / f"{table}-as-array.csv"
    _write_file(theirs, [value.replace("[", "{").replace("]", "}") for value in values])
    return ours, theirs


def _write_file(path: Path, values: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(enumerate(values, 1))
