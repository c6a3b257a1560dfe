"""What stands in the way of a restore, in words that say what to do."""

import json
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from rowferry.backends.protocol import Referring, TableReplacer
from rowferry.dictionary.faults import RejectCode
from rowferry.operations.ingest import Ingest
from rowferry.operations.restore_receipt import Obstacle, RestoreOptions, format_key

EXAMPLES = 5
"""So many rows or keys of each sort are shown."""

_PARTIAL = "--partial (API: partial=true) leaves such rows out, and keeps them as rejected rows."


def obstacles_of(
    ingest: Ingest[Any, TableReplacer], options: RestoreOptions, among: Collection[str]
) -> Iterator[Obstacle]:
    """What keeps one table from being restored; the tables `among` are restored at the same time.

    Rows that others refer to are never removed, whatever the options.
    """
    referring = list(ingest.writer.referring(EXAMPLES, among))
    to_lacking = [found.table for found in referring if not found.moved]
    for found in referring:
        yield _referred_to(ingest.rules.name, found, to_lacking)
    if not options.partial:
        yield from _rejected(ingest, options)


def _referred_to(table: str, found: Referring, to_lacking: list[str]) -> Obstacle:
    """Rows refer to what goes, or to values that change; `to_lacking` are all tables with rows that do the former."""
    columns, keys = ", ".join(found.columns), "; ".join(map(format_key, found.keys))
    if found.moved:
        those = f"have another {', '.join(found.moved)} in the backup"
        hint = "Delete or change the rows that refer to them, or let them follow (ON UPDATE CASCADE)."
    else:
        those = "the backup lacks"
        hint = _way_out(table, to_lacking) + "; or delete or change the rows that refer to them."
    shown = f": {keys}" if keys else ""
    return Obstacle(
        kind="referred_to",
        table=table,
        rows=found.rows,
        message=f"{_rows(found.rows)} of {found.table} {_do(found.rows, 'refer')} (by {columns}) to rows of {table} "
        f"that {those}{shown}{_more(found)}",
        hint=hint,
        examples=_examples(found),
    )


def _way_out(table: str, children: list[str]) -> str:
    if len(children) == 1:
        together = f"Restore {children[0]} from the same snapshot with --with-parents (API: with_parents=true)"
        return f"{together}, which restores {table} too"
    return f"Restore each of {', '.join(children)} by itself first, because several tables refer to {table}"


def _rejected(ingest: Ingest[Any, TableReplacer], options: RestoreOptions) -> Iterator[Obstacle]:
    rejects, table = ingest.rejects, ingest.rules.name
    ((_, by_code),) = rejects.counts()
    if orphans := rejects.count_only(RejectCode.REFERENCE):
        parents = " or ".join(dict.fromkeys(reference.parent for reference in ingest.rules.references))
        also = "" if options.with_parents else "--with-parents (API: with_parents=true) restores the parents too. "
        yield Obstacle(
            kind="parents_missing",
            table=table,
            rows=orphans,
            message=f"{_rows(orphans)} of the backup of {table} {_do(orphans, 'refer')} to rows of {parents} "
            "that do not exist",
            hint=also + _PARTIAL,
            examples=_first(ingest, orphans=True),
        )
    if broken := rejects.count - orphans:
        codes = ", ".join(f"{code}: {count}" for code, count in by_code.items())
        yield Obstacle(
            kind="rules_broken",
            table=table,
            rows=broken,
            message=f"{_rows(broken)} of the backup of {table} {_do(broken, 'break')} current rules ({codes})",
            hint=_PARTIAL,
            examples=_first(ingest, orphans=False),
        )


def _first(ingest: Ingest[Any, TableReplacer], *, orphans: bool) -> list[dict[str, Any]]:
    """The first rows that refer to nothing and have no other fault, or the first of all others."""
    rows = (
        {"row_number": row_number, "raw": raw, "errors": json.loads(errors)}
        for _, row_number, raw, errors in ingest.rejects
    )
    wanted = (row for row in rows if orphans == ({e["code"] for e in row["errors"]} == {RejectCode.REFERENCE}))
    return list(islice(wanted, EXAMPLES))


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _do(count: int, verb: str) -> str:
    return f"{verb}s" if count == 1 else verb


def _more(found: Referring) -> str:
    return " and others" if len(found.keys) == EXAMPLES else ""


def _examples(found: Referring) -> list[dict[str, object]]:
    return [{name: _integer_or_text(value) for name, value in key.items()} for key in found.keys]


def _integer_or_text(value: object) -> object:
    return value if isinstance(value, int | str) else str(value)
