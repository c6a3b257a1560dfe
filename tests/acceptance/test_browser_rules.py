"""What every answer tells browsers about safety, and what is refused to pages of other sites."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import serve


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(f"sqlite:///{tmp_path}/rules.db", tmp_path, tmp_path / "logs") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/docs", "/livez", "/nowhere", "/web/style.css", "/reports/hires-by-quarter"])
def test_every_answer_has_a_strict_policy(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


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
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 201), ("none", 201), (None, 201)]
)
def test_pages_of_other_sites_change_nothing(client: httpx.Client, site: str | None, status: int) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}
    answer = client.post("/batch-transactions", json={"departments": [{"id": 1, "department": "A"}]}, headers=headers)
    assert answer.status_code == status
    assert len(client.get("/tables/departments/rows", headers=headers).json()["items"]) == (status == 201)
    if status == 403:
        assert answer.json()["code"] == "request.cross_site"
        assert answer.headers["content-security-policy"]
