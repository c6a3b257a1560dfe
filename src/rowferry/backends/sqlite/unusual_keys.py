"""Keys of a table of SQLite that another program wrote in another form: to SQLite, other keys than ours.

What is looked for by its usual form is not found there, and what has no index of its own would be read row by row. So
whoever compares by key first asks for such keys, near those that matter, and then goes by the form that the table has.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.values import is_unusual, may_be_unusual, stored_form
from rowferry.dictionary.rules import ColumnRule
from rowferry.errors import KeyHeldTwice, UniqueBroken
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.local_datetimes import LOCAL_DATETIME

Values = tuple[Any, ...]

_BY_DAY = (DATETIME, LOCAL_DATETIME)
"""Of these kinds, no form is far from another one in the order of texts."""

_DAYS_LATER = "coalesce(date(?, '+2 days'), 'A')"
"""Two days after an instant; of the last day of all, what no instant is behind."""

_DECLARED = "SELECT name, type FROM pragma_table_info(?, 'main')"


class UnusualKeys:
    """The values of one key of a table, given by its columns, as far as they have not their usual form.

    None are `possible` where SQLite itself gives all values the usual form, as it does with integers.
    """

    def __init__(self, driver: sqlite3.Connection, table: str, key: Sequence[ColumnRule]) -> None:
        self._driver, self._table, self._key = driver, table, key
        self._main, self._places = f"main.{quoted(table)}", range(len(key))
        declared = dict(driver.execute(_DECLARED, (table,)))
        self._suspects = [rule for rule in key if may_be_unusual(rule, declared.get(rule.name, ""))]
        self.possible = bool(self._suspects)

    def among(self, wanted: Iterable[Values]) -> dict[Values, Values]:
        """Of some keys in their usual form those that the table has in another one: what each is there.

        Raises:
            KeyHeldTwice: The table has one of them in two forms.
        """
        if not self.possible:
            return {}
        extracted = self._list("json_extract(value, '$[{0}]') AS wanted_{0}")
        given = f"SELECT {extracted} FROM json_each(?1)"
        found = f"{self._found(given)} AND ({self._list('form_{}')}) IN ({given})"
        named: dict[Values, Values] = {}
        twin = f"SELECT 1 FROM {self._main} t WHERE {self._is_same('?')}"
        for row in self._driver.execute(found, (json.dumps(list(wanted)),)).fetchall():
            raw, form = row[: len(self._key)], row[len(self._key) :]
            if form in named or self._driver.execute(twin, form).fetchone():
                raise KeyHeldTwice(table=self._table, key=", ".join(map(str, form)))
            named[form] = raw
        return named

    def keep(self, kept: str, given: str) -> int:
        """Put those near the keys of a query, in columns wanted_0 and so on, into a new table; how many there are.

        Its columns are form_0 and so on, the usual form, and raw_0 and so on, that of the table.

        Raises:
            KeyHeldTwice: The table has one of them in two forms.
        """
        forms, raws = self._list("form_{}"), self._list("raw_{}")
        self._driver.execute(f"DROP TABLE IF EXISTS {kept}")
        self._driver.execute(f"CREATE TABLE {kept} ({forms}, {raws}, PRIMARY KEY ({forms})) WITHOUT ROWID")
        find = f"SELECT {forms}, {raws} FROM ({self._found(given)})"
        number = self._driver.execute(f"INSERT OR IGNORE INTO {kept} {find}").rowcount
        twice = f"SELECT {forms} FROM ({find}) GROUP BY {forms} HAVING count(*) > 1"
        both = f"SELECT {forms} FROM {kept} u JOIN {self._main} t ON {self._is_same('u.form_{}')}"
        if number and (row := self._driver.execute(f"{twice} UNION ALL {both} LIMIT 1").fetchone()):
            raise KeyHeldTwice(table=self._table, key=", ".join(map(str, row)))
        return number

    def require_apart(self, written: str, given: Values = ()) -> None:
        """Require that no row has, in another form, what rows of a query, in columns wanted_0 and so on, brought in.

        Raises:
            UniqueBroken: One has it; to SQLite, these are two values.
        """
        if not self.possible:
            return
        found = f"{self._found(written)} AND ({self._list('form_{}')}) IN ({written})"
        twin = f"SELECT 1 FROM {self._main} t WHERE {self._is_same('?')}"
        for row in self._driver.execute(found, given):
            raw, form = row[: len(self._key)], row[len(self._key) :]
            if self._driver.execute(twin, form).fetchone():
                names = ", ".join(rule.name for rule in self._key)
                both = (", ".join(map(str, values)) for values in (form, raw))
                raise UniqueBroken(reason=f"{self._table}.{names} {' already exists, as '.join(both)}")

    def order(self) -> list[str]:
        """What to order rows by, so that they ascend by what their keys stand for.

        Raises:
            KeyHeldTwice: Two rows have the same key in two forms.
        """
        find = f"SELECT EXISTS (SELECT 1 FROM {self._main} t WHERE {self._suspected()})"
        if not self.possible or not self._driver.execute(find).fetchone()[0]:
            return [quoted(rule.name) for rule in self._key]
        forms = self.forms()
        twice = (
            f"SELECT {', '.join(forms)} FROM {self._main} GROUP BY {self._list('{0}', 1)} HAVING count(*) > 1 LIMIT 1"
        )
        if row := self._driver.execute(twice).fetchone():
            raise KeyHeldTwice(table=self._table, key=", ".join(map(str, row)))
        return forms

    def forms(self) -> list[str]:
        """The columns of the key, or what they would be in their usual form where they have not."""
        return [self._form(rule) if rule in self._suspects else quoted(rule.name) for rule in self._key]

    def span(self, after: Sequence[Any], limit: int) -> tuple[str, Values]:
        """A condition that holds for the next so many rows behind a key, and what is bound to it.

        Where the order is not that of an index, it keeps SQLite from sorting all rows: so many texts that stand more
        than a day behind an instant are those of later ones, none more than a day after the last of these texts.
        """
        if not self._suspects or self._suspects[0] is not self._key[0] or self._key[0].kind not in _BY_DAY:
            return "1", ()
        name, first = quoted(self._key[0].name), after[:1]
        lowest, behind = ("1", "1") if not after else (f"{name} >= date(?, '-1 day')", f"{name} > {_DAYS_LATER}")
        texts = f"SELECT {name} FROM {self._main} WHERE {behind} ORDER BY 1 LIMIT 1 OFFSET {limit}"
        last = f"SELECT date(substr({name}, 1, 10), '+3 days') FROM ({texts})"
        return f"{lowest} AND {name} < coalesce(({last}), x'FF')", (*first, *first)

    def _form(self, rule: ColumnRule) -> str:
        name = quoted(rule.name)
        return f"CASE WHEN {is_unusual(rule, name)} THEN coalesce({stored_form(rule, name)}, {name}) ELSE {name} END"

    def _found(self, given: str) -> str:
        """The query for unusual keys near the given ones: raw_0 and so on, form_0 and so on."""
        pairs = [f"t.{quoted(rule.name)} AS raw_{at}" for at, rule in enumerate(self._key)]
        pairs += [f"{stored_form(rule, f't.{quoted(rule.name)}')} AS form_{at}" for at, rule in enumerate(self._key)]
        unusual = f"SELECT {', '.join(pairs)} FROM {self._near(given)} AND ({self._suspected()})"
        known = " AND ".join(f"form_{at} IS NOT NULL" for at in self._places)
        return f"SELECT * FROM ({unusual}) WHERE {known} AND ({self._list('raw_{}')}) IS NOT ({self._list('form_{}')})"

    def _suspected(self) -> str:
        return " OR ".join(is_unusual(rule, f"t.{quoted(rule.name)}") for rule in self._suspects)

    def _near(self, given: str) -> str:
        """The table `t`, with a condition: of instants, no form is more than a day away in the order of texts."""
        first = self._key.index(self._suspects[0])
        if self._suspects[0].kind not in _BY_DAY:
            return f"{self._main} t WHERE 1"
        before = [f"wanted_{at}" for at in range(first)]
        bounds = f"date(min(wanted_{first}), '-1 day') AS lowest, date(max(wanted_{first}), '+2 days') AS highest"
        groups = f" GROUP BY {', '.join(before)}" if before else ""
        spans = f"SELECT {', '.join([*before, bounds])} FROM ({given}){groups}"
        name = quoted(self._suspects[0].name)
        same = [f"t.{quoted(self._key[at].name)} = w.{wanted}" for at, wanted in enumerate(before)]
        within = [*same, f"t.{name} >= w.lowest", f"t.{name} < coalesce(w.highest, 'A')"]
        return f"({spans}) w CROSS JOIN {self._main} t WHERE {' AND '.join(within)}"

    def _is_same(self, form: str) -> str:
        return " AND ".join(f"t.{quoted(rule.name)} = {form.format(at)}" for at, rule in enumerate(self._key))

    def _list(self, each: str, first: int = 0) -> str:
        return ", ".join(each.format(at + first) for at in self._places)
