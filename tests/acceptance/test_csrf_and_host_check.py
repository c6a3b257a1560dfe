"""What every answer tells browsers about safety, and what is refused to pages of other sites."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import serve

from rowferry.api.routers import tables


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(f"sqlite:///{tmp_path}/rules.db", tmp_path, tmp_path / "logs") as client:
        yield client


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("named")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROWFERRY_HOSTS", "known.example, b.example")
        with serve(f"sqlite:///{folder}/rules.db", folder, folder / "logs") as client:
            yield client


@pytest.mark.parametrize("path", ["/", "/docs", "/livez", "/nowhere", "/web/style.css", "/reports/hires-by-quarter"])
def test_every_answer_has_a_strict_policy(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_the_answer_to_an_unexpected_error_has_it_too(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "describe", lambda _: 1 / 0)
    answer = client.get("/tables")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_pages_come_without_anything_from_elsewhere_or_inline(client: httpx.Client) -> None:
    for path in ("/", "/docs"):
        page = client.get(path)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "//" not in page.text.replace("<!doctype", "")
        assert " style=" not in page.text
        assert "<script>" not in page.text
    for name in ("web/app.js", "web/icon.svg", "web/swagger/swagger-ui.css", "web/swagger/swagger-ui-bundle.js"):
        found = client.get(f"/{name}")
        assert (found.status_code, found.headers["cache-control"]) == (200, "no-cache")
        assert client.get(f"/{name}", headers={"If-None-Match": found.headers["etag"]}).status_code == 304
    for name in ("web/", "web/../app.py", "web/%2e%2e/app.py", "web/swagger/", "redoc"):
        assert client.get(f"/{name}").status_code == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("rebound.example", 421),
        ("rebound.example:8000", 421),
        ("known.example", 200),
        ("Known.Example:8000", 200),
        ("known.example.", 200),
        ("localhost:1", 200),
        ("app.localhost", 200),
        ("intranet", 421),
        ("localhost.rebound.example", 421),
        ("192.0.2.7", 200),
        ("[::1]:8000", 200),
        ("127.0.0.1.rebound.example", 421),
        ("rebound.example@localhost", 400),
        ("rebound.example/@localhost", 400),
        ("localhost, rebound.example", 400),
        ("[rebound.example", 400),
        ("", 400),
    ],
)
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/", "/tables", "/openapi.json", "/nowhere"])
def test_whatever_is_asked_for_comes_by_a_name_that_is_ours(
    named: httpx.Client, host: str, status: int, path: str
) -> None:
    for told in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": f"http://{host}"}):
        answer = named.get(path, headers={"Host": host, **told})
        if status == 200:
            assert answer.status_code == (404 if path == "/nowhere" else 200)
        else:
            code = {400: "request.host_invalid", 421: "request.host_unknown"}[status]
            assert (answer.status_code, answer.json()["code"], bool(answer.json()["hint"])) == (status, code, True)
            assert answer.headers["content-security-policy"]


def test_the_name_comes_before_everything_else(named: httpx.Client) -> None:
    """Also before where a page comes from, and for a POST that says nothing of it."""
    rows = {"departments": [{"id": 1, "department": "A"}]}
    for told in ({}, {"Origin": "http://elsewhere.example"}):
        answer = named.post("/batch-transactions", json=rows, headers={"Host": "intranet", **told})
        assert (answer.status_code, answer.json()["code"]) == (421, "request.host_unknown")
    assert named.get("/tables/departments/rows").json()["items"] == []


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /livez HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /livez HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: rebound.example\r\n\r\n", b"400"),
        (b"GET http://localhost/livez HTTP/1.1\r\nHost: rebound.example\r\n\r\n", b"421"),
    ],
)
def test_one_host_is_named(named: httpx.Client, head: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", named.base_url.port or 0), 10) as connection:
        connection.sendall(head)
        assert connection.recv(1000).split()[1] == status


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind-a-proxy.example"}, 201),
        ({"Sec-Fetch-Site": "none"}, 201),
        ({"Origin": "{base_url}"}, 201),
        ({}, 201),
    ],
)
def test_pages_of_other_sites_change_nothing(client: httpx.Client, told: dict[str, str], status: int) -> None:
    here = str(client.base_url).rstrip("/")
    headers = {name: value.format(base_url=here) for name, value in told.items()}
    answer = client.post("/batch-transactions", json={"departments": [{"id": 1, "department": "A"}]}, headers=headers)
    assert answer.status_code == status
    assert len(client.get("/tables/departments/rows", headers=headers).json()["items"]) == (status == 201)
    if status == 403:
        assert answer.json()["code"] == "request.cross_site"
        assert answer.headers["content-security-policy"]
