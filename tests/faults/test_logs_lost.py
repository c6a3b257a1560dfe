"""The folder of logs is removed while a load runs: the load is what it would have been, and it is said once."""

import shutil
from contextlib import closing

import pytest

from loading import Tables, counts
from rowferry.events import Event, LoadFinished, LoadStarted, PublishStarted, RowsJudged, RowsRejected
from rowferry.observers.logging import Log


@pytest.mark.parametrize("moment", [LoadStarted, RowsJudged, RowsRejected, PublishStarted, LoadFinished])
def test_a_load_is_done_whatever_becomes_of_its_log(
    tables: Tables, capsys: pytest.CaptureFixture[str], moment: type
) -> None:
    folder = tables.folder / "logs"
    with closing(Log(folder, "full_bulk_insert")) as log:

        def observe(event: Event) -> None:
            if isinstance(event, moment):
                shutil.rmtree(folder, ignore_errors=True)
            log(event)
            tables.events.append(event)

        receipt = tables.load(tables.write("departments.csv", "1,a\n2,\n"), observe=observe)
    assert counts(receipt)[:2] == (2, 1)
    assert tables.count("departments") == 1
    assert [load["status"] for load in tables.loads()] == ["done"]
    assert {type(event) for event in tables.events} >= {moment, LoadFinished}
    assert capsys.readouterr().err.count("Work continues") == 1
