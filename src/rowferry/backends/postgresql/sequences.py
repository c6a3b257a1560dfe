"""The sequences that a table of PostgreSQL takes its numbers from; rows that bring their numbers leave them behind.

Then the next number is one that a row has, and the INSERT of whoever counts on the sequence fails.
"""

import logging
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa
from psycopg.sql import SQL, Identifier
from sqlalchemy import Sequence

from rowferry.arrow import compute as pc
from rowferry.backends.postgresql.table import Statements, spelled
from rowferry.dictionary.rules import TableRules
from rowferry.kinds.integers import INTEGER

_log = logging.getLogger("rowferry.sequences")

_FOUND = """
SELECT a.attname, q.seqrelid::regclass::text, q.seqincrement,
  CASE WHEN q.seqincrement > 0 THEN q.seqmax ELSE q.seqmin END,
  CASE WHEN has_sequence_privilege(q.seqrelid, 'USAGE, SELECT') THEN pg_sequence_last_value(q.seqrelid) END,
  has_sequence_privilege(q.seqrelid, 'USAGE, UPDATE'), has_sequence_privilege(q.seqrelid, 'UPDATE'),
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indkey[0] = a.attnum)
FROM (
  SELECT objid, refobjsubid FROM pg_depend
  WHERE refclassid = 'pg_class'::regclass AND refobjid = %(table)s::regclass AND refobjsubid > 0
    AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
  UNION SELECT d.refobjid, f.adnum FROM pg_attrdef f
  JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
  WHERE f.adrelid = %(table)s::regclass
  UNION SELECT to_regclass(m.name), c.attnum FROM unnest(%(names)s::text[], %(columns)s::text[]) AS m (name, col)
  JOIN pg_attribute c ON c.attrelid = %(table)s::regclass AND c.attname = m.col
) AS used (sequence, number)
JOIN pg_sequence q ON q.seqrelid = used.sequence
JOIN pg_attribute a ON a.attrelid = %(table)s::regclass AND a.attnum = used.number
"""
"""What fills a column: a sequence that belongs to it (serial, identity), or its default asks, or its model names."""

_RAISE = """
WITH drawn AS MATERIALIZED (SELECT nextval(%(name)s::regclass) AS at),
way AS (
  SELECT at, least(ceil((%(wanted)s::numeric - at) / %(step)s), trunc((%(last)s::numeric - at) / %(step)s)) AS steps
  FROM drawn
)
SELECT CASE WHEN steps <= 0 THEN at
  WHEN steps <= %(drawn)s THEN (SELECT max(nextval(%(name)s::regclass)) FROM generate_series(1, steps::integer))
  WHEN %(may_set)s THEN setval(%(name)s::regclass, (at + steps * %(step)s)::bigint) END
FROM way
"""
"""Draw numbers up to the one wanted, which cannot lower a sequence whatever others draw meanwhile.

Where they are too many, the rest is left out at once: somebody else would have to draw as many between two steps of
this one statement to be put back. The numbers stay those of the sequence: one that counts by twos stays odd or even.
"""

_DRAWN, _DRAWN_WITHOUT_RIGHT = 20_000, 1_000_000


class _Sequence(NamedTuple):
    """A sequence, its step and its last number; `reached` is the number that it gave out last, if that is known."""

    column: str
    name: str
    step: int
    last: int
    reached: int | None
    may_draw: bool
    may_set: bool
    is_unique: bool


class Numbers:
    """The integers that rows bring to a table, and the sequences that must not give them out again."""

    def __init__(self, rules: TableRules) -> None:
        self._rules = rules
        self._spans: dict[str, tuple[int, int]] = {}

    def add(self, rows: pa.RecordBatch) -> None:
        """Note the least and the greatest number of each column of the key."""
        for name in self._rules.key if rows.num_rows else ():
            if self._rules.by_name[name].kind is INTEGER:
                found = pc.min_max(rows.column(name)).as_py()
                least, greatest = self._spans.get(name, (found["min"], found["max"]))
                self._spans[name] = min(least, found["min"]), max(greatest, found["max"])

    def raise_sequences(self, transaction: Statements) -> None:
        """Let the sequences of the table go on behind the numbers of its rows; none goes back, and nobody waits.

        It holds at once and for good, whether the transaction is committed or not: then numbers are left out.
        """
        for sequence in self._found(transaction):
            wanted = self._wanted(transaction, sequence)
            reached = sequence.reached is not None and not _is_behind(sequence.reached, wanted or 0, sequence.step)
            if wanted is not None and not reached and (why := _raise(transaction, sequence, wanted)):
                self._tell(transaction, sequence, why)

    def _tell(self, transaction: Statements, sequence: _Sequence, why: str) -> None:
        """Say that rows are in, but that the next INSERT of somebody else may meet their numbers."""
        column = f"{self._rules.name}.{sequence.column}"
        note = f"the sequence {sequence.name} of {column} is behind the numbers in the rows: {why}"
        transaction.notes.setdefault(self._rules.name, []).append(note)
        _log_once(note[0].upper() + note[1:])

    def _found(self, transaction: Statements) -> Iterator[_Sequence]:
        named = [(column.name, column.default) for column in self._rules.table.columns]
        models = [(column, default) for column, default in named if isinstance(default, Sequence)]
        names = [Identifier(*filter(None, (default.schema, default.name))).as_string() for _, default in models]
        parameters = {
            "table": spelled(self._rules.table).as_string(),
            "names": names,
            "columns": [c for c, _ in models],
        }
        return map(_Sequence._make, transaction.execute(SQL(_FOUND), parameters).fetchall())

    def _wanted(self, transaction: Statements, sequence: _Sequence) -> int | None:
        """The number that is furthest in the direction of a sequence, of those that it must not give out again."""
        rises = sequence.step > 0
        if span := self._spans.get(sequence.column):
            return span[rises]
        if not sequence.is_unique:
            return None
        furthest = SQL("SELECT max({}) FROM {}") if rises else SQL("SELECT min({}) FROM {}")
        found = transaction.value(furthest.format(Identifier(sequence.column), spelled(self._rules.table)))
        return None if found is None else int(found)


def _is_behind(reached: int, wanted: int, step: int) -> bool:
    return reached < wanted if step > 0 else reached > wanted


def _raise(transaction: Statements, sequence: _Sequence, wanted: int) -> str | None:
    """Raise a sequence to a number; why it stays behind, if it does."""
    if not _is_behind(wanted, sequence.last, sequence.step):
        return "a row has its last number, so it is left as it is and continues with earlier numbers"
    parameters: dict[str, Any] = {
        "name": sequence.name,
        "wanted": wanted,
        "step": sequence.step,
        "last": sequence.last,
        "drawn": _DRAWN if sequence.may_set else _DRAWN_WITHOUT_RIGHT,
        "may_set": sequence.may_set,
    }
    if sequence.may_draw and transaction.value(SQL(_RAISE), parameters) is not None:
        return None
    user = transaction.value(SQL("SELECT quote_ident(current_user)"))
    return f"ask its owner to run GRANT USAGE, UPDATE ON SEQUENCE {sequence.name} TO {user}"


@cache
def _log_once(message: str) -> None:
    """Say it once in a process: batches have no notes."""
    _log.warning("%s", message)
