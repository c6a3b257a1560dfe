"""SQLite looks for surplus rows by a set of the keys that wait, not by all of them for each row."""

import sqlite3
from contextlib import closing

from rowferry.backends.plan import known_table, named_table, numbered_table, surplus_columns
from rowferry.backends.sqlite.plan import SqliteReplacingPlan, as_text
from rowferry.dictionary.catalog import load_catalog

TABLES = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY, job TEXT);
CREATE TABLE stage (rowferry_row_number INTEGER PRIMARY KEY, id, job);
CREATE TABLE surplus (rowferry_key_0 PRIMARY KEY) WITHOUT ROWID;
INSERT INTO jobs VALUES (1, 'Clerk'), (2, 'Cook'), (5, 'Pilot');
INSERT INTO stage VALUES (1, 2, 'Cook'), (2, 3, 'Purser');
"""


def test_surplus_keys_are_found_without_a_scan_for_each_row() -> None:
    rules = load_catalog("rowferry.models").table("jobs")
    stage, surplus = numbered_table("stage", rules.names), named_table("surplus", surplus_columns(rules))
    plan = SqliteReplacingPlan(rules, named_table("jobs", rules.names), stage, known_table("known"), surplus=surplus)
    note = as_text(plan.note_surplus())
    with closing(sqlite3.connect("")) as database:
        database.executescript(TABLES)
        steps = [detail for *_, detail in database.execute(f"EXPLAIN QUERY PLAN {note}")]
        database.execute(note)
        assert database.execute("SELECT * FROM surplus").fetchall() == [(1,), (5,)]
    assert any("LIST SUBQUERY" in step for step in steps)
    assert not any("JOIN" in step for step in steps)
