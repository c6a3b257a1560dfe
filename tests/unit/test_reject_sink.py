"""Rejected rows wait for the end of their load, and come back in the order of their file."""

import json
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.errors import FolderUnusable
from rowferry.judging.places import Places
from rowferry.judging.reject_sink import RejectSink
from rowferry.judging.rejected_rows import RejectedRows
from rowferry.judging.rows import RejectedRow

REQUIRED = Fault("job", RejectCode.REQUIRED, "job is required")
TYPE = Fault("id", RejectCode.TYPE, "id must be an integer, not 'x'")
CONFLICT = Fault("id", RejectCode.CONFLICT, "id is already in the table, with a different job")


def test_rows_that_are_rejected_later_come_back_in_their_place() -> None:
    with closing(RejectSink(Places(["jobs.csv"]))) as sink:
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
    with closing(RejectSink(Places(["jobs.csv"]))) as sink:
        sink.add(RejectedRows.of([RejectedRow(1, "", faults)]))
        assert [json.loads(told) for *_, told in sink] == [[fault.as_dict() for fault in faults]]


def test_many_rejected_rows_need_a_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with closing(RejectSink(Places(["jobs.csv"]))) as sink:
        sink.add(RejectedRows.of([RejectedRow(1, "1,a", (REQUIRED,))]))
        assert [raw for _, _, raw, _ in sink] == ["1,a"]
        with pytest.raises(FolderUnusable):
            sink.add(RejectedRows.of([RejectedRow(2, "2," + "b" * 300_000, (REQUIRED,))]))
