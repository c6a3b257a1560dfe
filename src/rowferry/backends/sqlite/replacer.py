"""The way to replace the rows of a table of SQLite: only what differs is touched."""

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa
from sqlalchemy import TableClause, and_, literal_column

from rowferry.arrow import compute as pc
from rowferry.backends.plan import EQUAL, known_table, named_table
from rowferry.backends.replacing_plan import surplus_among, surplus_columns
from rowferry.backends.sqlite.beyond import place_of
from rowferry.backends.sqlite.plan import SqlitePlanWithoutKey, SqliteReplacingPlan
from rowferry.backends.sqlite.referring import referring_columns_indexed, referring_keys
from rowferry.backends.sqlite.refusals import SqliteRefusals
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.writer import SqliteWriter
from rowferry.backends.staged import ChildTable, StagedReplacer
from rowferry.dictionary.rules import ROW_NUMBER, TableRules
from rowferry.dictionary.unstorable import spelled_key
from rowferry.errors import ValueUnkept
from rowferry.kinds.floats import FLOAT


class SqliteReplacer(SqliteWriter, StagedReplacer):
    """Only what differs is touched."""

    _plan: SqliteReplacingPlan | SqlitePlanWithoutKey

    def _planned(self, stage: TableClause) -> SqliteReplacingPlan | SqlitePlanWithoutKey:
        plan, rules = super()._planned(stage), self._rules
        if rules.key:
            surplus = named_table(f"rowferry_surplus_{self._suffix}", surplus_columns(rules.key), "temp")
            return SqliteReplacingPlan(rules, plan.table, stage, plan.known, surplus=surplus)
        place = place_of(self._transaction.driver(), rules)
        table = named_table(rules.name, dict.fromkeys((*rules.names, *place)), "main")
        known = known_table(f"rowferry_known_{self._suffix}", surplus_columns(place), "temp")
        return SqlitePlanWithoutKey(rules, table, stage, known, surplus=surplus_among(known, place), place=place)

    def checks_all_references(self) -> bool:
        """Never: rows are deleted, too, and SQLite is to see that nothing refers to them."""
        return False

    def write(self, rows: pa.RecordBatch) -> None:
        require_kept(self._rules, rows)
        super().write(rows)

    def acting(self) -> list[str]:
        return SqliteRefusals(self._transaction.driver(), self._rules).acting()

    def _make_known(self) -> None:
        if isinstance(self._plan, SqliteReplacingPlan):
            super()._make_known()
            return
        known = f"temp.rowferry_known_{self._suffix}"
        places = ", ".join(surplus_columns(self._plan.place))
        self._execute(f"DROP TABLE IF EXISTS {known}")
        self._execute(f"CREATE TABLE {known} ({ROW_NUMBER} INTEGER UNIQUE, {EQUAL} INTEGER, {places})")

    def _find_surplus(self) -> int:
        if not self._rules.key:
            return int(self._run(self._plan.count_surplus()).fetchone()[0])
        (rows,) = self._execute(f"SELECT count(*) FROM {self._main}").fetchone()
        surplus = int(rows) - self._comparison.equal - self._comparison.different
        if surplus:
            kept, keys = f"temp.rowferry_surplus_{self._suffix}", ", ".join(surplus_columns(self._rules.key))
            self._execute(f"DROP TABLE IF EXISTS {kept}")
            self._execute(f"CREATE TABLE {kept} ({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID")
            self._run(self._plan.note_surplus())
        return surplus

    def _remove(self) -> int:
        with referring_columns_indexed(self._transaction.driver(), self._rules, self._surplus):
            return super()._remove()

    def _children(self, among: Collection[str]) -> Iterator[ChildTable]:
        passed_over = {name.lower() for name in among}
        for child, follows, ours, theirs in referring_keys(self._transaction.driver(), self._rules):
            if child.lower() in passed_over:
                continue
            moving = self._moving(theirs, follows=follows)
            if self._surplus or moving:
                rows = named_table(child, ours, "main").alias("c")
                pairs = zip(ours, theirs, strict=True)
                # It is by the collation of what is referred to that SQLite compares, here that of the left side.
                refers = and_(*(literal_column(f"t.{quoted(other)}") == rows.c[mine] for mine, other in pairs))
                yield ChildTable(child, tuple(ours), tuple(theirs), moving, rows, refers)


def require_kept(rules: TableRules, rows: pa.RecordBatch) -> None:
    """Raise ValueUnkept for what another database held, and SQLite takes for null: a float that is no number."""
    for column in rules.columns:
        if column.kind is FLOAT:
            odd = np.flatnonzero(np.isnan(pc.fill_null(rows.column(column.name), 0.0).to_numpy()))
            if len(odd):
                key = [rows.column(name)[int(odd[0])].as_py() for name in rules.identity]
                raise ValueUnkept(table=rules.name, column=column.name, value="NaN", key=spelled_key(rules, key))
