"""Whether tables that were restored hold just the rows of their backups, where something acts on them."""

from collections.abc import Iterator, Sequence
from typing import Any

from rowferry.backends.protocol import Comparison, TableReplacer
from rowferry.errors import TableAltered
from rowferry.operations.ingest import Ingest
from rowferry.operations.restore_receipt import format_key


def require_unaltered(ingests: Sequence[Ingest[Any, TableReplacer]]) -> None:
    """Hold tables against their backups once more, unless nothing acts on any of them.

    Raises:
        TableAltered: Something has changed, added or dropped rows.
    """
    names = sorted({name for ingest in ingests for name in ingest.writer.acting()})
    if not names:
        return
    for ingest in ingests:
        if reason := "; ".join(_differences(ingest.writer, ingest.writer.compare_again())):
            raise TableAltered(table=ingest.rules.name, reason=reason, names=", ".join(names))


def _differences(writer: TableReplacer, found: Comparison) -> Iterator[str]:
    """How a table differs from its backup, in words, with the first row of each sort."""
    surplus = writer.surplus()
    few = writer.examples(1) if found.new or found.different or surplus else None
    if few and found.different:
        key, columns = few.different[0]
        yield f"{_rows(found.different)} would differ, such as {format_key(key)} (by {', '.join(columns)})"
    if few and found.new:
        yield f"{_rows(found.new)} would be missing, such as {format_key(few.new[0])}"
    if few and surplus:
        yield f"{_rows(surplus)} more would be in the table, such as {format_key(few.surplus[0])}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
