"""Every source provides what operations expect of one, whatever the format."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from avro_rows import write_avro
from rowferry.dictionary.catalog import load_catalog
from rowferry.sources.avro.source import AvroSource
from rowferry.sources.csv.joined_files import JoinedFiles
from rowferry.sources.csv.source import CsvSource
from rowferry.sources.json.batch_text import read_batch
from rowferry.sources.json.source import JsonSource
from rowferry.sources.protocol import Source

CATALOG = load_catalog("rowferry.models")
JOBS = CATALOG.table("jobs")
ROWS = [{"id": number, "job": f"Job ä{number}"} for number in range(1, 8)]


def csv_files(folder: Path, _: ExitStack) -> Source:
    for name, rows in (("a", ROWS[:3]), ("b", ROWS[3:])):
        lines = "".join(f"{row['id']},{row['job']}\n" for row in rows)
        (folder / f"{name}.csv").write_text("id,job\n" + lines)
    return JoinedFiles([CsvSource(folder / f"{name}.csv", JOBS) for name in "ab"], ["a.csv", "b.csv"])


def json_body(_folder: Path, _: ExitStack) -> Source:
    body = json.dumps({"jobs": ROWS}, ensure_ascii=False).encode()
    return JsonSource(JOBS, read_batch(body, CATALOG)["jobs"], "batch.json")


def avro_file(folder: Path, opened: ExitStack) -> Source:
    path = folder / "jobs.avro"
    write_avro(path, JOBS, [ROWS[:2], ROWS[2:]])
    return opened.enter_context(AvroSource(path, JOBS, "jobs.avro"))


SOURCES: dict[str, tuple[Callable[[Path, ExitStack], Source], list[str]]] = {
    "csv": (
        csv_files,
        ["row 2 of a.csv", "row 3 of a.csv", "row 4 of a.csv", *(f"row {n} of b.csv" for n in range(2, 6))],
    ),
    "json": (json_body, [f"the row at index {at}" for at in range(7)]),
    "avro": (avro_file, [f"row {number}" for number in range(1, 8)]),
}
"""How to make each, and what messages call its rows."""


@pytest.mark.parametrize("form", SOURCES)
def test_a_source_can_be_read_again_and_says_how_far_it_is(form: str, tmp_path: Path) -> None:
    make, called = SOURCES[form]
    with ExitStack() as opened:
        source = make(tmp_path, opened)
        assert source.rules is JOBS
        for _ in range(2):
            batches = list(source.batches())
            rows = [row for batch in batches for row in zip(*(c.to_pylist() for c in batch.columns), strict=True)]
            assert [(int(key), job) for key, job in rows] == [tuple(row.values()) for row in ROWS]
            numbers = np.concatenate([batch.first + batch.positions for batch in batches])
            assert [source.places.spelled(number) for number in numbers.tolist()] == called
            assert source.places.all_spelled(numbers).to_pylist() == called
            assert 0 < source.bytes_read == source.size
            assert source.reading == source.places.names[-1]
