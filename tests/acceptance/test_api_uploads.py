"""Files that are sent to be loaded, in every way in which people send files."""

import gzip
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import counts, serve

from waiting import wait_until

LARGE = b"".join(b"%d,Department of the number %d\n" % (n, n) for n in range(150_000))


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads are kept while they are loaded."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def client(database_url: str, globant: Path, tmp_path: Path, uploads: Path) -> Iterator[httpx.Client]:
    with serve(database_url, globant, tmp_path / "logs") as client:
        yield client
    assert list(uploads.iterdir()) == []


def test_large_files_arrive_whole_in_every_form(client: httpx.Client) -> None:
    assert len(LARGE) > 5_000_000
    url = "/full-bulk-insert/departments"
    raw = client.post(url, content=LARGE, headers={"Content-Type": "text/csv"}).json()
    assert counts(raw) == (150_000, 0, 0, 0)
    assert raw["tables"][0]["source"] == "departments.csv"
    packed = client.post(url, content=gzip.compress(LARGE, 1), headers={"Content-Type": "application/octet-stream"})
    assert counts(packed.json()) == (0, 0, 150_000, 0)
    form = client.post(url, data={"note": "hello"}, files={"file": (r"C:\data\my departments.csv", LARGE)}).json()
    assert counts(form) == (0, 0, 150_000, 0)
    assert form["tables"][0]["source"] == "my departments.csv"


def test_part_without_a_file_name_may_be_large_too(client: httpx.Client) -> None:
    content = LARGE[: 2 * 1024 * 1024].rpartition(b"\n")[0]
    form = client.post("/full-bulk-insert/departments", files={"file": (None, content)}).json()
    assert form["inserted"] == content.count(b"\n") + 1
    assert form["tables"][0]["source"] == "departments.csv"


FORM = "multipart/form-data; boundary=x"
PART = b"--x\r\nContent-Disposition: form-data; name=%s\r\n\r\n1,a\r\n"


@pytest.mark.parametrize(
    ("content", "content_type", "told"),
    [
        (b"--x\r\n", "multipart/form-data", "no boundary"),
        (b"nonsense", FORM, "Cannot read the form"),
        (PART % b"file", FORM, "The form is incomplete"),
        (PART % b"other" + b"--x--", FORM, "no part named file"),
        (2 * (PART % b"file") + b"--x--", FORM, "more than one"),
    ],
)
def test_broken_forms_load_nothing(client: httpx.Client, content: bytes, content_type: str, told: str) -> None:
    answer = client.post("/full-bulk-insert/jobs", content=content, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (422, "request.body")
    assert told in answer.json()["detail"]
    assert client.get("/loads").json()["items"] == []


def test_options_hold_for_uploads(client: httpx.Client) -> None:
    url = "/full-bulk-insert/jobs"
    assert counts(client.post(url, content="1,Clerk\n2,Chef").json()) == (2, 0, 0, 0)
    other = "1,Head clerk\n3,Cook"
    assert counts(client.post(url, content=other, params={"dry_run": True}).json()) == (1, 0, 0, 1)
    assert counts(client.post(url, content=other, params={"on_conflict": "update"}).json()) == (1, 1, 0, 0)
    latin = client.post(url, content="4,Caf\xe9".encode("latin-1"), params={"encoding": "latin-1"})
    assert counts(latin.json()) == (1, 0, 0, 0)


def test_what_is_not_text_is_refused_by_its_name(client: httpx.Client) -> None:
    answer = client.post("/full-bulk-insert/jobs", files={"file": ("jobs.xlsx", b"\xd0\xcf\x11\xe0" + bytes(100))})
    assert (answer.status_code, answer.json()["code"]) == (422, "source.not_text")
    assert answer.json()["detail"].startswith("jobs.xlsx is not a CSV file")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_what_is_in_another_encoding_is_refused(client: httpx.Client, encoding: str) -> None:
    url = "/full-bulk-insert/departments"
    answer = client.post(url, content=b"4,Sales\n", params={"encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (422, "source.not_text")


def test_upload_that_breaks_off_loads_nothing(client: httpx.Client, uploads: Path) -> None:
    address = (client.base_url.host, client.base_url.port or 0)
    with socket.create_connection(address) as connection:
        head = b"POST /full-bulk-insert/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head + b"1,Clerk\n")
        wait_until(lambda: list(uploads.iterdir()) != [])
    wait_until(lambda: list(uploads.iterdir()) == [])
    assert client.get("/loads").json()["items"] == []


CAFE = "4,Caf\xe9"


@pytest.mark.parametrize("charset", ["iso-8859-1", '"LATIN-1"', "utf-8"])
def test_a_file_is_read_in_the_charset_that_it_is_told_to_be_in(client: httpx.Client, charset: str) -> None:
    content, told = CAFE.encode(charset.strip('"')), f"text/csv; charset={charset}"
    url = "/full-bulk-insert/jobs"
    assert counts(client.post(url, content=content, headers={"Content-Type": told}).json()) == (1, 0, 0, 0)
    assert counts(client.post(url, files={"file": ("jobs.csv", content, told)}).json()) == (0, 0, 1, 0)
    assert client.get("/tables/jobs/rows").json()["items"] == [{"id": 4, "job": "Caf\xe9"}]


def test_the_option_counts_for_more_than_the_charset(client: httpx.Client) -> None:
    headers = {"Content-Type": "text/csv; charset=utf-16"}
    url, content = "/full-bulk-insert/jobs", CAFE.encode("latin-1")
    assert counts(client.post(url, content=content, headers=headers, params={"encoding": "latin-1"}).json())[0] == 1


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ("text/csv; charset=klingon", 422, "option.invalid"),
        ("application/json", 415, "request.media_type"),
        ("application/problem+json; charset=utf-8", 415, "request.media_type"),
    ],
)
def test_what_is_told_to_be_something_else_is_refused(client: httpx.Client, told: str, status: int, code: str) -> None:
    answer = client.post("/full-bulk-insert/jobs", content=b"4,Sales\n", headers={"Content-Type": told})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/loads").json()["items"] == []
