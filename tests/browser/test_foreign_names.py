"""A page whose name was made to lead to the service (DNS rebinding) gets nothing out of it, and nothing into it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import launched
from playwright.sync_api import Page

NAMES = ["rebound.example", "intranet"]

ATTACK = """async () => {
    const asked = [];
    const row = JSON.stringify({departments: [{id: 99, department: "Theirs"}]});
    const post = {method: "POST", body: row, headers: {"Content-Type": "application/json"}};
    for (const [path, how] of [["/tables/departments/rows", {}], ["/backups", {}], ["/openapi.json", {}],
                               ["/readyz", {}], ["/metrics", {}], ["/batch-transactions", post]]) {
        const answer = await fetch(path, how);
        asked.push([path, answer.status, (await answer.text()).includes("Harbour")]);
    }
    return asked;
}"""


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/names.db"


@pytest.fixture
def their_page(server: httpx.Client) -> Iterator[Page]:
    """A page in a browser for which the names lead to the loopback address.

    Whatever it shows stands for what their server sent before the name was made to lead here, which had no policy.
    """
    led = ", ".join(f"MAP {name} 127.0.0.1" for name in [*NAMES, "localhost"])
    with launched(f"--host-resolver-rules={led}") as browser:
        yield browser.new_context(bypass_csp=True).new_page()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_under_a_foreign_name_gets_nothing(their_page: Page, server: httpx.Client, name: str) -> None:
    row = {"departments": [{"id": 1, "department": "Harbour"}]}
    assert server.post("/batch-transactions", json=row).status_code == 201
    for host in ("localhost", name):
        their_page.goto(f"http://{host}:{server.base_url.port}/livez")
        found = their_page.evaluate(ATTACK)
        if host == "localhost":
            assert found[0] == ["/tables/departments/rows", 200, True], "the attack itself works"
        else:
            assert [status for _, status, _ in found] == [421] * len(found), found
            assert not any(read for *_, read in found)
    their_page.goto(f"http://{name}:{server.base_url.port}/")
    assert "request.host_unknown" in their_page.content()
