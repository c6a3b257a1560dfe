"""`rowferry serve` as operators meet it: what it refuses, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_an_address_that_others_reach_is_refused(tmp_path: Path, host: str) -> None:
    ran = subprocess.run(
        [ROWFERRY, "serve", "--host", host],
        cwd=tmp_path,
        env=os.environ | {"LOG_DIR": str(tmp_path / "logs")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith(f"Error: {host} can be reached by others")
    assert "--open" in ran.stderr
