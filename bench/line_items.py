"""Backups and restores of TPC-H's line items, which have sixteen columns, beside PostgreSQL's own tools."""

import shutil
from functools import partial
from pathlib import Path

from bench.checks import must_hold
from bench.contests import Contest, Findings, Target, Way, hold
from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.other_tables import MODELS, template_of
from bench.processes import NoResultError, Run

_TABLE, _RUN, _FILLED = "lineitem", "run", "lineitem_filled"
_OURS, _THEIRS = "Rowferry", {"backup": "pg_dump -Fc", "restore": "pg_restore"}
_WANTED = {"backup": 2.5, "restore": 1.3}
"""Times as fast, as asked of hired_employees."""


def run(lab: Lab) -> Findings:
    """Measure a backup of line items and its restore into an empty table with all constraints."""
    parents = template_of(lab)
    lab.server.create(_FILLED, parents)
    url = lab.server.url(_FILLED)
    lab.aside([ROWFERRY, "load", str(lab.folder / "others" / f"{_TABLE}.csv"), "--json"], _on(url))
    lab.server.settle(_FILLED)
    contests = [_backup(lab, url), _restore(lab, url, parents)]
    targets = [
        Target.at_least(f"Times as fast as {theirs}, {_TABLE}", _WANTED[work], contest.ratio(theirs, _OURS))
        for (work, theirs), contest in zip(_THEIRS.items(), contests, strict=True)
    ]
    return Findings(contests, targets)


def _on(url: str, folder: Path | None = None) -> dict[str, str]:
    return {"SQLALCHEMY_DATABASE_URL": url, **MODELS, **({"BACKUP_DIR": str(folder)} if folder else {})}


def _backup(lab: Lab, url: str) -> Contest:
    folder = lab.folder / "lineitem-backups"

    def empty() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / _TABLE).mkdir(parents=True)  # says that the folder is meant to be new

    def check(run: Run) -> None:
        if run.exit_code or not any(path.stat().st_size for path in folder.rglob("*") if path.is_file()):
            raise NoResultError(f"exit code {run.exit_code}: {run.errors.strip()[-200:]}")

    dump = [lab.server.pg_dump, "-Fc", "-t", _TABLE, "-f", str(folder / "dump"), url]
    ways = [
        Way(_OURS, lab.rows, [ROWFERRY, "backup", _TABLE, "--json"], empty, check, _on(url, folder)),
        Way(_THEIRS["backup"], lab.rows, dump, empty, check),
    ]
    return hold(lab, f"Backup from PostgreSQL, {lab.rows:,} rows of {_TABLE}", ways)


def _restore(lab: Lab, url: str, parents: str) -> Contest:
    folder, dump = lab.folder / "lineitem-kept", lab.folder / "lineitem.dump"
    (folder / _TABLE).mkdir(parents=True)
    lab.aside([ROWFERRY, "backup", _TABLE], _on(url, folder))
    lab.aside([lab.server.pg_dump, "-Fc", "-t", _TABLE, "-f", str(dump), url], {})

    def prepare(*statements: str) -> None:
        lab.server.create(_RUN, parents)
        lab.server.execute(_RUN, *statements)
        lab.server.settle(_RUN)

    check = partial(must_hold, lab.rows, partial(lab.server.value, _RUN, f"SELECT count(*) FROM {_TABLE}"), (0,))
    ours = [ROWFERRY, "restore", _TABLE, "--json"]
    theirs = [lab.server.tool("pg_restore"), "--exit-on-error", "-d", lab.server.url(_RUN), str(dump)]
    ways = [
        Way(_OURS, lab.rows, ours, prepare, check, _on(lab.server.url(_RUN), folder)),
        Way(_THEIRS["restore"], lab.rows, theirs, partial(prepare, f"DROP TABLE {_TABLE}"), check),
    ]
    return hold(lab, f"PostgreSQL, {lab.rows:,} rows of {_TABLE} into an empty table", ways)
