"""The benchmark of judging measures every kind, by values that are good."""

import json
import subprocess
import sys
from pathlib import Path

from bench import judged_values

from rowferry.kinds.registry import BY_NAME, kind_of


def test_every_kind_is_measured() -> None:
    found = subprocess.run(
        [sys.executable, "-P", str(Path(judged_values.__file__)), "200", "1"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert set(json.loads(found.stdout)) == set(BY_NAME)
    assert all(rate > 0 for of in json.loads(found.stdout).values() for rate in of.values())


def test_samples_stand_under_the_name_of_their_kind() -> None:
    assert {kind_of(column_type)[0].name for column_type, _ in judged_values.SAMPLES.values()} == set(BY_NAME)
    assert all(kind_of(column_type)[0].name == name for name, (column_type, _) in judged_values.SAMPLES.items())
