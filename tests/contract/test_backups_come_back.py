"""What others put into a table comes back from its backup to the bit, or the backup names the column and the row."""

import math
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

from backing_up import Backups
from loading import Tables
from made_up import made_up
from restoring import Restores, counts
from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.dictionary.rules import TableRules
from rowferry.errors import BackupUnrestorable, ValueUnkept, ValueUnstorable
from rowferry.operations.restore_receipt import RestoreOptions
from rowferry.operations.restore_sources import RestoreFinder
from speaking import only_postgresql, sql_of

Rows = dict[int, dict[str, Any]]

_INSTANTS = ["2021-07-01 10:00:00+00", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"]
_TEXTS = st.sampled_from(["", " ", "\t", "\u3000", "x", "x" * 60, "'", "null", "\u200b"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60
)
_CLEAN: dict[str, st.SearchStrategy[Any]] = {
    "note": _TEXTS,
    "essay": st.none() | _TEXTS,
    "small": st.none() | st.integers(-(2**15), 2**15 - 1),
    "large": st.none() | st.integers(-(2**63), 2**63 - 1),
    "ratio": st.none() | st.floats() | st.sampled_from([-0.0, math.nan, math.inf, -math.inf, 5e-324, 2.0**60]),
    "flag": st.none() | st.booleans(),
    "price": st.none() | st.decimals("-9999999999.99", "9999999999.99", places=2),
    "day": st.none() | st.sampled_from(["2021-07-01", "0001-01-01", "9999-12-31"]),
    "instant": st.none() | st.sampled_from(_INSTANTS),
}


def _rows(odd: dict[str, list[Any]]) -> st.SearchStrategy[Rows]:
    columns = _CLEAN | {name: _CLEAN[name] | st.sampled_from(values) for name, values in odd.items()}
    return st.dictionaries(st.integers(1, 50), st.fixed_dictionaries(columns), max_size=5)


_TYPES = {"price": "numeric", "day": "date", "instant": "timestamptz", "ratio": "float8"}


def _fill(service: Service, rows: Rows) -> None:
    """Put rows in as another program would."""
    sql = sql_of(service.backend.engine)
    names = ["id", *_CLEAN]
    values = ", ".join(sql.typed(name, _TYPES.get(name)) for name in names)
    with service.backend.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM kinds")
        for key, row in rows.items():
            connection.execute(sa.text(f"INSERT INTO kinds ({', '.join(names)}) VALUES ({values})"), sql.sent(key, row))


def _held(service: Service) -> list[tuple[Any, ...]]:
    """What the table holds, as the database itself spells it, floats by their bits, of which NaN has many."""
    asked = ", ".join(sql_of(service.backend.engine).spelled(["id", *_CLEAN]))
    with service.backend.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT {asked} FROM kinds ORDER BY id").all()
    return [tuple(struct.pack(">d", value) if isinstance(value, float) else value for value in row) for row in found]


@pytest.fixture
def kinds(new_service: Callable[..., Service], tmp_path: Path) -> Restores:
    return Restores(Tables(new_service("kind_tables"), tmp_path))


def _come_back(kinds: Restores, held: list[tuple[Any, ...]]) -> None:
    service = kinds.service
    (manifest,) = Backups(service, kinds.store.folder).take("kinds")
    Backups(service, kinds.store.folder).verify(manifest)
    finder = RestoreFinder(service.backend, kinds.store, service.catalog)
    (source,) = finder.find(service.catalog.table("kinds"), manifest.backup_id, RestoreOptions())
    assert counts(kinds.restore(source)) == (0, 0, 0, len(held), 0)
    kinds.tables.execute("DELETE FROM kinds WHERE id / 2 * 2 = id")
    kinds.tables.execute("UPDATE kinds SET note = 'damaged', essay = 'damaged', ratio = 7.5, large = 7, day = NULL")
    kinds.restore(source)
    assert _held(service) == held


@pytest.mark.parametrize("bits", ["7ff8000000000001", "fff8000000000000", "7ff0000000000001"])
@only_postgresql
def test_a_nan_comes_back_as_one_whatever_its_bits(kinds: Restores, bits: str) -> None:
    row = dict.fromkeys(_CLEAN) | {"note": "", "ratio": struct.unpack(">d", bytes.fromhex(bits))[0]}
    _fill(kinds.service, {1: row})
    _come_back(kinds, held := _held(kinds.service))
    assert "NaN" in held[0]


@made_up(10)
@given(data=st.data())
def test_what_a_table_holds_comes_back(kinds: Restores, data: st.DataObject) -> None:
    _fill(kinds.service, data.draw(_rows({})))
    _come_back(kinds, _held(kinds.service))


@made_up(10)
@given(data=st.data())
def test_or_the_backup_names_the_column_and_the_row(kinds: Restores, data: st.DataObject) -> None:
    unstorable = sql_of(kinds.service.backend.engine).unstorable
    rows = data.draw(_rows(unstorable))
    _fill(kinds.service, rows)
    odd = {
        (name, key)
        for key, row in rows.items()
        for name, unfit in unstorable.items()
        if str(row[name]) in map(str, unfit)
    }
    if not odd:
        _come_back(kinds, _held(kinds.service))
        return
    with pytest.raises(ValueUnstorable) as caught:
        Backups(kinds.service, kinds.store.folder).take("kinds")
    assert any(
        f"kinds.{name} contains" in caught.value.message and f"row with id {key}" in caught.value.message
        for name, key in odd
    )


def test_blank_texts_of_a_required_column_come_back(kinds: Restores) -> None:
    empty = dict.fromkeys(_CLEAN)
    _fill(
        kinds.service, {1: empty | {"note": ""}, 2: empty | {"note": " "}, 3: empty | {"note": "\u3000", "essay": ""}}
    )
    _come_back(kinds, _held(kinds.service))


def test_a_null_that_the_model_forbids_is_named(kinds: Restores) -> None:
    columns = (
        "id BIGINT PRIMARY KEY, note VARCHAR(60), essay TEXT, small SMALLINT, middle INTEGER, "
        "large BIGINT, ratio FLOAT, flag BOOLEAN, price NUMERIC(12, 2), day DATE, clock TIME, instant DATETIME"
    )
    kinds.tables.execute(*sql_of(kinds.service.backend.engine).allow_null("kinds", "note", columns))
    kinds.tables.execute("INSERT INTO kinds (id, note) VALUES (6, 'n'), (7, NULL), (8, NULL)")
    with pytest.raises(
        ValueUnstorable, match=r"kinds\.note contains a null \(the column is required\) in the row with id 7"
    ):
        Backups(kinds.service, kinds.store.folder).take("kinds")


def _changed(kinds: Restores, column: str, **changes: Any) -> TableRules:
    """The rules of the table with those of a column changed, as by a new version of its model."""
    rules = kinds.service.catalog.table("kinds")
    columns = [replace(rule, **changes) if rule.name == column else rule for rule in rules.columns]
    return replace(rules, columns=tuple(columns))


def test_verify_says_what_a_restore_would_reject(kinds: Restores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules have changed since: the backup is what was written, and still it cannot be restored."""
    _fill(kinds.service, {7: dict.fromkeys(_CLEAN) | {"note": "too long by now"}})
    backups = Backups(kinds.service, kinds.store.folder)
    (manifest,) = backups.take("kinds")
    monkeypatch.setitem(kinds.service.catalog._tables, "kinds", _changed(kinds, "note", max_length=5))
    with pytest.raises(BackupUnrestorable, match="in row 1, id 7, note must have at most 5 characters, not 15"):
        backups.verify(manifest)
    with kinds.service.backend.engine.connect() as connection:
        damage = sa.select(ledger.here(connection, ledger.verifications).c.damage)
        assert "note must have at most 5" in str(connection.scalar(damage))


def test_a_column_that_became_required_rejects_its_nulls(kinds: Restores) -> None:
    """A null that a backup holds is no empty text."""
    _fill(kinds.service, {7: dict.fromkeys(_CLEAN) | {"note": "n"}})
    source = kinds.back_up("kinds")
    receipt = kinds.restore(replace(source, rules=_changed(kinds, "essay", required=True)))
    assert receipt.status == "refused"
    (rejected,) = kinds.tables.rejects(receipt.restore_id)
    assert [(error["column"], error["code"]) for error in rejected["errors"]] == [("essay", "value.required")]


def test_what_a_database_would_take_for_null_is_refused(new_service: Callable[..., Service], tmp_path: Path) -> None:
    service = new_service("kind_tables")
    restores = Restores(Tables(service, tmp_path))
    names = service.catalog.table("kinds").names
    row = tuple({"id": 7, "note": "n", "ratio": math.nan}.get(name) for name in names)
    if service.backend.capabilities.keeps_nan:
        restores.restore(restores.keep("kinds", [row]))
        assert math.isnan(restores.tables.rows("kinds")[0][names.index("ratio")])
        return
    with pytest.raises(ValueUnkept, match=r"kinds\.ratio is NaN in the row with id 7"):
        restores.restore(restores.keep("kinds", [row]))
    assert restores.tables.count("kinds") == 0


def test_an_unverified_file_is_not_known_to_have_been_a_table(kinds: Restores) -> None:
    names = kinds.service.catalog.table("kinds").names
    rows = [{"id": 1, "note": ""}, {"id": 2, "note": "n", "ratio": math.inf}, {"id": 3, "note": "n", "ratio": math.nan}]
    source = kinds.keep("kinds", [tuple(row.get(name) for name in names) for row in rows], sealed=False)
    receipt = kinds.restore(source, partial=True)
    assert counts(receipt) == (0, 0, 0, 0, 3)
    codes = [
        (error["column"], error["code"]) for row in kinds.tables.rejects(receipt.restore_id) for error in row["errors"]
    ]
    assert codes == [("note", "value.required"), ("ratio", "value.type"), ("ratio", "value.type")]
