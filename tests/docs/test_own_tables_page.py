"""From a database or a folder of CSV files to a running service in five commands, as the page says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ports import free_port
from waiting import wait_until

ROOT = Path(__file__).parents[2]
SHOP = "CREATE TABLE shops (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL); INSERT INTO shops VALUES (1, 'Ann''s')"


@pytest.mark.parametrize(("number", "table"), [(0, "shops"), (1, "hired_employees")])
def test_five_commands_lead_to_a_running_service(tmp_path: Path, globant: Path, number: int, table: str) -> None:
    shutil.copytree(globant, tmp_path / "data")
    subprocess.run(
        [sys.executable, "-c", "import sqlite3, sys; sqlite3.connect('shop.db').executescript(sys.argv[1])", SHOP],
        cwd=tmp_path,
        check=True,
    )
    page = (ROOT / "docs" / "howto" / "own-tables.md").read_text("utf-8")
    block = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)[number]
    assert len(block.splitlines()) == 5
    port = free_port()
    script = block.replace("uv run rowferry", str(Path(sys.executable).with_name("rowferry")))
    script = script.rstrip().replace(" serve", f" serve --port {port}")
    script = "\n".join(["set -e", *(f"exec {line}" if " serve" in line else line for line in script.splitlines())])
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(["bash", "-c", script], cwd=tmp_path, stdout=log, stderr=log)
    try:

        def is_ready() -> bool:
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(is_ready, (tmp_path / "log").read_text)
        assert len(httpx.get(f"http://127.0.0.1:{port}/tables/{table}/rows").json()["items"]) > 0
    finally:
        process.terminate()
        process.wait(30)
