"""Debian's avrocat, which shares no code with us or with Python's libraries, reads the right values."""

import datetime as dt
import json
import subprocess
from pathlib import Path

from avro_rows import EMPTY, FULL, write_avro
from rowferry.dictionary.catalog import load_catalog


def test_values_are_right_in_avrocat(tmp_path: Path) -> None:
    path = tmp_path / "projects.avro"
    write_avro(path, load_catalog("fourth_table").table("projects"), [[FULL, EMPTY]])
    shown = subprocess.run(["avrocat", path], capture_output=True, text=True, check=True)
    full, empty = map(json.loads, shown.stdout.splitlines())
    assert full["name"] == FULL["name"]
    assert full["visits"] == {"long": -(2**63)}
    assert full["seen"] == {"long": 1636253322123456}
    assert full["ends"] == {"int": (dt.date(1, 1, 1) - dt.date(1970, 1, 1)).days}
    assert empty["budget"] is None
