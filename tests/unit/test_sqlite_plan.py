"""How SQLite finds what is surplus: by a set of the keys that wait, or by what values stand for."""

import sqlite3
from contextlib import closing

import sqlalchemy as sa

from rowferry.backends.plan import known_table, named_table, numbered_table
from rowferry.backends.replacing_plan import surplus_among, surplus_columns
from rowferry.backends.sqlite.plan import SqlitePlanWithoutKey, SqliteReplacingPlan, as_text
from rowferry.backends.sqlite.values import teach
from rowferry.dictionary.catalog import load_catalog
from rowferry.dictionary.rules import rules_of

TABLES = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY, job TEXT);
CREATE TABLE stage (rowferry_row_number INTEGER PRIMARY KEY, id, job);
CREATE TABLE surplus (rowferry_key_0 PRIMARY KEY) WITHOUT ROWID;
INSERT INTO jobs VALUES (1, 'Clerk'), (2, 'Cook'), (5, 'Pilot');
INSERT INTO stage VALUES (1, 2, 'Cook'), (2, 3, 'Purser');
"""


def test_surplus_keys_are_found_without_a_scan_for_each_row() -> None:
    rules = load_catalog("rowferry.models").table("jobs")
    stage, surplus = numbered_table("stage", rules.names), named_table("surplus", surplus_columns(rules.key))
    plan = SqliteReplacingPlan(rules, named_table("jobs", rules.names), stage, known_table("known"), surplus=surplus)
    note = as_text(plan.note_surplus())
    with closing(sqlite3.connect("")) as database:
        database.executescript(TABLES)
        steps = [detail for *_, detail in database.execute(f"EXPLAIN QUERY PLAN {note}")]
        database.execute(note)
        assert database.execute("SELECT * FROM surplus").fetchall() == [(1,), (5,)]
    assert any("LIST SUBQUERY" in step for step in steps)
    assert not any("JOIN" in step for step in steps)


PRICES = sa.Table("prices", sa.MetaData(), sa.Column("name", sa.String(9)), sa.Column("price", sa.Numeric(9, 2)))

ALIKE = """
CREATE TABLE prices (name TEXT COLLATE NOCASE, price NUMERIC(9, 2));
CREATE TABLE stage (rowferry_row_number INTEGER PRIMARY KEY, name, price);
CREATE TABLE known (rowferry_row_number INTEGER UNIQUE, equal INTEGER, rowferry_key_0);
INSERT INTO prices VALUES ('a', 1.5), ('A', 1.5), ('a', 2), (NULL, NULL);
INSERT INTO stage VALUES (1, 'a', '1.50'), (2, 'a', '1.50'), (3, 'a', '2.00'), (4, NULL, NULL);
"""


def test_rows_without_a_key_are_alike_if_no_value_differs() -> None:
    rules, place = rules_of(PRICES, dialect="sqlite"), ("rowid",)
    stage, known = numbered_table("stage", rules.names), known_table("known", surplus_columns(place))
    table = named_table("prices", (*rules.names, *place))
    plan = SqlitePlanWithoutKey(rules, table, stage, known, surplus=surplus_among(known, place), place=place)
    with closing(sqlite3.connect("")) as database:
        teach(database)
        database.executescript(ALIKE)
        note = as_text(plan.note_known())
        steps = [detail for *_, detail in database.execute(f"EXPLAIN QUERY PLAN {note}")]
        database.execute(note)
        found = database.execute("SELECT * FROM known ORDER BY 1").fetchall()
    assert found == [(None, None, 2), (2, None, None)]
    assert not any("JOIN" in step for step in steps), "all of the others would be read for each row"
