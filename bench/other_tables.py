"""Loads into tables of other shapes: TPC-H's line items, and a column of each kind."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from bench.checks import must_hold
from bench.contests import Contest, Findings, Target, Way, hold
from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.other_samples import write_others
from bench.templates import copy_sqlite
from bench.tools import SQLITE3

_OURS, _COPY, _RECIPE, _IMPORT = "Rowferry", "psql \\copy into the finished table", "the recipe", "sqlite3 .import"
MODELS = {"ROWFERRY_MODELS": "other_models", "PYTHONPATH": str(Path(__file__).parent)}
_RUN, _SQLITE_TEMPLATE = "run", "others.sqlite"

_CONSTRAINTS = {
    "lineitem": {
        "lineitem_pkey": "PRIMARY KEY (l_orderkey, l_linenumber)",
        "lineitem_l_orderkey_fkey": "FOREIGN KEY (l_orderkey) REFERENCES orders (o_orderkey)",
        "lineitem_l_partkey_fkey": "FOREIGN KEY (l_partkey) REFERENCES parts (p_partkey)",
    },
    "readings": {"readings_pkey": "PRIMARY KEY (id)"},
}
_TIMES_AS_FAST = {"lineitem": {_COPY: 3.0, _RECIPE: 1.0}, "readings": {_COPY: 1.2}}


def run(lab: Lab) -> Findings:
    """Measure loads of line items, which have sixteen columns and refer to two tables, and of eight columns."""
    findings = Findings([], [])
    for table in _CONSTRAINTS:
        contest = hold(lab, f"PostgreSQL, {lab.rows:,} rows of {table}", into_postgresql(lab, table))
        findings.contests.append(contest)
        findings.targets += _targets(table, contest)
        if SQLITE3:
            contest = hold(lab, f"SQLite, {lab.rows:,} rows of {table}", into_sqlite(lab, table))
            findings.contests.append(contest)
            as_fast = contest.ratio(_IMPORT, _OURS)
            findings.targets.append(Target.at_least(f"Times as fast as .import, {table}", 1, as_fast))
    return findings


def _files(lab: Lab) -> Path:
    """The folder of the files; what they refer to is in both templates."""
    folder = lab.folder / "others"
    if not folder.exists():
        write_others(folder, lab.rows)
        lab.server.create(_template(lab))
        for url in (lab.server.url(_template(lab)), f"sqlite:///{lab.folder / _SQLITE_TEMPLATE}"):
            parents = [str(folder / "orders.csv"), str(folder / "parts.csv")]
            lab.aside([ROWFERRY, "load", *parents, "--json"], {"SQLALCHEMY_DATABASE_URL": url, **MODELS})
    return folder


def template_of(lab: Lab) -> str:
    """The database of PostgreSQL that has what both tables refer to, once their files are there."""
    _files(lab)
    return _template(lab)


def _template(lab: Lab) -> str:
    return f"others_{lab.rows}"


def _targets(table: str, contest: Contest) -> list[Target]:
    return [
        Target.at_least(f"Times as fast as {way}, {table}", least, contest.ratio(way, _OURS))
        for way, least in _TIMES_AS_FAST[table].items()
    ]


def into_postgresql(lab: Lab, table: str) -> list[Way]:
    """The ways into a table of PostgreSQL, Rowferry's first."""
    server, file = lab.server, _files(lab) / f"{table}.csv"
    constraints = _CONSTRAINTS[table]
    copy = f"\\copy {table} FROM '{file}' WITH (FORMAT csv)"
    check = partial(must_hold, lab.rows, partial(server.value, _RUN, f"SELECT count(*) FROM {table}"), (0,))

    def prepare() -> None:
        server.create(_RUN, _template(lab))
        server.settle(_RUN)

    def prepare_bare() -> None:
        server.create(_RUN, _template(lab))
        server.execute(_RUN, f"ALTER TABLE {table} " + ", ".join(f"DROP CONSTRAINT {name}" for name in constraints))
        server.settle(_RUN)

    add = f"ALTER TABLE {table} " + ", ".join(f"ADD CONSTRAINT {name} {what}" for name, what in constraints.items())
    environment = {"SQLALCHEMY_DATABASE_URL": server.url(_RUN), **MODELS}
    return [
        Way(_OURS, lab.rows, [ROWFERRY, "load", str(file), "--json"], prepare, check, environment),
        Way(_COPY, lab.rows, server.psql_command(server.url(_RUN), copy), prepare, check),
        Way(_RECIPE, lab.rows, server.psql_command(server.url(_RUN), copy, add), prepare_bare, check),
    ]


def into_sqlite(lab: Lab, table: str) -> list[Way]:
    """The ways into a table of SQLite, Rowferry's first; the other one needs the program sqlite3."""
    database, file = lab.folder / "run.sqlite", _files(lab) / f"{table}.csv"

    def prepare(mode: str) -> None:
        copy_sqlite(lab.folder / _SQLITE_TEMPLATE, database)
        value(f"PRAGMA journal_mode = {mode}")

    def value(query: str) -> object:
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute(query).fetchone()[0]

    check = partial(must_hold, lab.rows, partial(value, f"SELECT count(*) FROM {table}"), (0,))
    environment = {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{database}", **MODELS}
    shell = [str(SQLITE3), "-bail", str(database), ".mode csv", f".import '{file}' {table}"]
    return [
        Way(_OURS, lab.rows, [ROWFERRY, "load", str(file), "--json"], partial(prepare, "WAL"), check, environment),
        Way(_IMPORT, lab.rows, shell, partial(prepare, "DELETE"), check),
    ]
