"""Whatever gets lost between a source and its table, the operation fails and changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from batching import Batches, job
from loading import Tables
from restoring import Restores
from rowferry import ledger
from rowferry.errors import ConservationBroken
from rowferry.judging.judge import Judge, Verdict
from rowferry.judging.places import Places
from rowferry.operations.ingest import Ingest

ROWS = [(1, "Clerk"), (2, "Lawyer"), (3, "Manager"), (4, "Nurse")]


def load(tables: Tables) -> None:
    tables.put("jobs.csv", "4,Nurse\n,x\n")


def send(tables: Tables) -> None:
    Batches(tables).put({"jobs": [job(4), 1]})


def restore(tables: Tables) -> None:
    restores = Restores(tables)
    restores.restore(restores.keep("jobs", [*ROWS, (5, " ")], sealed=False), partial=True)


OPERATIONS: dict[str, Callable[[Tables], None]] = {"load": load, "batch": send, "restore": restore}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_row_that_the_judge_loses_is_missed(name: str, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge.judge

    def lose(self: Judge, batch: Any) -> Verdict:
        verdict = judge(self, batch)
        return replace(verdict, accepted=verdict.accepted.slice(1))

    _fails(tables, name, lambda: monkeypatch.setattr(Judge, "judge", lose))


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_row_that_is_not_put_in_is_missed(name: str, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    init = Ingest.__init__

    def forget(self: Ingest[Any, Any], *given: Any) -> None:
        init(self, *given)
        self.writer = _Forgetful(self.writer)

    _fails(tables, name, lambda: monkeypatch.setattr(Ingest, "__init__", forget))


class _Forgetful:
    """A writer that says it has put in one row less than it has."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def publish(self, *, update: bool) -> tuple[int, int]:
        inserted, updated = self._writer.publish(update=update)
        return inserted - 1, updated


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_rejected_row_that_is_not_kept_is_missed(name: str, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_rejects = ledger.keep_rejects

    def forget(*given: Any) -> int:
        return keep_rejects(*given) - 1

    _fails(tables, name, lambda: monkeypatch.setattr(ledger, "keep_rejects", forget), "rejected_rows")


def test_files_have_as_many_rows_as_their_table_was_given(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Places.counts

    def miscount(places: Places, rows: int) -> list[int]:
        return [count + 1 for count in counts(places, rows)]

    _fails(tables, "load", lambda: monkeypatch.setattr(Places, "counts", miscount))


def _fails(tables: Tables, name: str, patch: Callable[[], None], account: str = "jobs") -> None:
    tables.with_parents()
    before = tables.everything()
    patch()
    with pytest.raises(ConservationBroken, match=account):
        OPERATIONS[name](tables)
    assert tables.everything() == before
