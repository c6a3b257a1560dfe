"""Whatever the OpenAPI document allows, and much that it does not, is answered as the document says, never by 5xx."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from api_server import serve

from rowferry.samples import write_samples

TORTURE = "ROWFERRY_TORTURE_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("ROWFERRY_TORTURE_EXAMPLES", "8"))
"""So many requests are made up for each operation, twice; `make torture-api` makes 250, on both databases."""

SECONDS_A_REQUEST = 30

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
"""Left out is whether data that fit their schema are accepted: whether a load or a row is, depends on the tables."""


@pytest.mark.parametrize("new_database", ["sqlite", "postgresql"] if TORTURE else ["postgresql"], indirect=True)
def test_every_answer_is_in_the_document(database_url: str, tmp_path: Path) -> None:
    write_samples(tmp_path / "data", rows=200)
    with serve(database_url, tmp_path / "data", tmp_path / "logs") as client:
        client.post("/full-bulk-insert").raise_for_status()
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{client.base_url}/openapi.json"),
            *("--checks", ",".join(CHECKS)),
            *("--max-examples", str(EXAMPLES)),
            *("--request-timeout", str(SECONDS_A_REQUEST)),
            *([] if TORTURE else ["--seed", "2021"]),
            *("--continue-on-failure", "--no-color"),
        ]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
