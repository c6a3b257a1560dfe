"""Rejected rows wait for the end of their load, and come back in the order of their file."""

import json
from contextlib import closing

import numpy as np
import pyarrow as pa

from rowferry.dictionary.catalog import load_catalog
from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.judging.integer_keys import IntegerKeys
from rowferry.judging.places import Places
from rowferry.judging.reject_sink import RejectSink
from rowferry.judging.rejected_rows import RejectedRows
from rowferry.judging.rows import RejectedRow

RULES = load_catalog("rowferry.models").table("jobs")
REQUIRED = Fault("job", RejectCode.REQUIRED, "job is required")
TYPE = Fault("id", RejectCode.TYPE, "id must be an integer, not 'x'")
CONFLICT = Fault("id", RejectCode.CONFLICT, "id is already in the table, with a different job")


def test_rows_that_are_rejected_later_come_back_in_their_place() -> None:
    with closing(RejectSink(RULES, Places(["jobs.csv"]))) as sink:
        sink.add(RejectedRows.of([RejectedRow(2, "x,", (TYPE, REQUIRED)), RejectedRow(5, "5,", (REQUIRED,))]))
        sink.add(RejectedRows.of([RejectedRow(9, "9,", (REQUIRED,))]))
        sink.add(RejectedRows.of([RejectedRow(1, "1,a", (CONFLICT,)), RejectedRow(7, "7,b", (CONFLICT,))]))
        sink.add(RejectedRows.of([RejectedRow(8, "8,c", (CONFLICT,))]))
        found = [(number, raw, [fault["code"] for fault in json.loads(faults)]) for _, number, raw, faults in sink]
        assert found == [
            (1, "1,a", ["key.conflict"]),
            (2, "x,", ["value.type", "value.required"]),
            (5, "5,", ["value.required"]),
            (7, "7,b", ["key.conflict"]),
            (8, "8,c", ["key.conflict"]),
            (9, "9,", ["value.required"]),
        ]
        assert sink.count == 6
        assert sink.counts() == [(sink.count, {"key.conflict": 3, "value.required": 3, "value.type": 1})]
        assert sink.count_only(RejectCode.REQUIRED) == 2
        assert list(sink) == list(sink)


def test_faults_are_json_whatever_they_say() -> None:
    faults = (Fault(None, RejectCode.CHECK, 'breaks "a\\b"\n\x7f ä {}'), Fault('say "when"', RejectCode.TYPE, ""))
    with closing(RejectSink(RULES, Places(["jobs.csv"]))) as sink:
        sink.add(RejectedRows.of([RejectedRow(1, "", faults)]))
        assert [json.loads(told) for *_, told in sink] == [[fault.as_dict() for fault in faults]]


def test_a_duplicate_names_the_row_that_came_first() -> None:
    with closing(RejectSink(RULES, Places(["jobs.csv"]))) as sink, closing(IntegerKeys()) as taken:
        key = [pa.array([4, 4, 6, 4], pa.int32())]
        found = taken.take([key], np.array([1, 2, 3, 4]))
        assert found == {1: (4,), 3: (4,)}
        sink.add(RejectedRows.of([RejectedRow(2, "4,b", (), found[1]), RejectedRow(4, "4,d", (), found[3])]))
        sink.name_first_rows(taken)
        messages = [json.loads(faults)[0]["message"] for *_, faults in sink]
        assert messages == ["id 4 was taken by row 1"] * 2
        assert sink.counts() == [(sink.count, {"key.duplicate": 2})]
