"""The page Backups: back up, verify, download, and restore after a look at what would change."""

import re
from pathlib import Path
from typing import Any

import fastavro
import httpx
import pytest
from browsing import OpenPage
from playwright.sync_api import Page, expect


def rows_of(server: httpx.Client, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.get(f"/tables/{table}/rows?limit=1000").json()["items"]
    return found


@pytest.fixture
def page(open_page: OpenPage, server: httpx.Client) -> Page:
    """The page Backups, with the real input loaded and nothing backed up yet."""
    assert server.post("/full-bulk-insert").json()["inserted"] == 2124
    return open_page("/#/backups")


def test_from_the_first_backup_to_a_restored_table(page: Page, server: httpx.Client) -> None:
    expect(page.get_by_role("heading", name="No backups yet")).to_be_visible()
    page.get_by_role("button", name="Back up now").click()
    backups = page.get_by_role("region", name="Backups").locator("tbody tr")
    expect(backups).to_have_count(3)
    expect(page.locator("main .notice")).to_contain_text("hired_employees (1,929 rows)")
    jobs = backups.filter(has_text="jobs")
    expect(jobs).to_contain_text("183")
    expect(jobs).to_contain_text("never")
    expect(jobs).to_contain_text(re.compile("now|second"))
    jobs.get_by_role("button", name="Verify").click()
    expect(jobs.locator(".badge")).to_have_text("good")
    with page.expect_download() as taken:
        jobs.get_by_role("link", name="Download").click()
    with Path(taken.value.path()).open("rb") as file:
        assert len(list(fastavro.reader(file))) == 183

    before = rows_of(server, "jobs")
    server.post(
        "/batch-transactions?on_conflict=update", json={"jobs": [{"id": 1, "job": "Spoilt"}, {"id": 999, "job": "New"}]}
    )
    jobs.get_by_role("button", name="Restore").click()
    dialogue = page.get_by_role("dialog", name="Restore jobs")
    expect(dialogue.locator(".figure")).to_have_text(["Added0", "Changed1", "Removed1", "Unchanged182"])
    restore = dialogue.get_by_role("button", name="Restore")
    expect(restore).to_be_disabled()
    dialogue.get_by_label("type the name of the table").fill("job")
    expect(restore).to_be_disabled()
    dialogue.get_by_label("type the name of the table").fill("jobs")
    restore.click()
    expect(page.locator("main .notice")).to_have_text("jobs was restored: 0 added, 1 changed, 1 removed.")
    expect(dialogue).to_have_count(0)
    assert rows_of(server, "jobs") == before
    page.get_by_role("link", name="History").click()
    history = page.get_by_role("region", name="History").locator("tbody tr")
    expect(history.first).to_contain_text("0 added, 1 changed, 1 removed")
    expect(history.filter(has_text="Backup")).to_have_count(3)


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_what_stands_in_the_way_of_a_restore_is_named(page: Page, server: httpx.Client) -> None:
    page.get_by_label("Back up").select_option("departments")
    page.get_by_role("button", name="Back up now").click()
    backups = page.get_by_role("region", name="Backups").locator("tbody tr")
    expect(backups).to_have_count(1)
    rows = {"departments": [{"id": 13, "department": "Late"}]}
    late = {"id": 5000, "name": "A B", "datetime": "2021-01-01T00:00:00Z", "department_id": 13, "job_id": 1}
    server.post("/batch-transactions", json={**rows, "hired_employees": [late]})
    backups.get_by_role("button", name="Restore").click()
    dialogue = page.get_by_role("dialog", name="Restore departments")
    expect(dialogue.get_by_role("alert")).to_contain_text("hired_employees refer")
    expect(dialogue.get_by_role("button", name="Restore")).to_have_count(0)
    dialogue.get_by_role("button", name="Cancel").click()
    assert len(rows_of(server, "departments")) == 13


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_a_damaged_backup_is_said_to_be_damaged(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Back up").select_option("jobs")
    page.get_by_role("button", name="Back up now").click()
    backups = page.get_by_role("region", name="Backups").locator("tbody tr")
    expect(backups).to_have_count(1)
    [file] = (tmp_path / "backups" / "jobs").glob("*.avro")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    backups.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("alert")).to_contain_text("is damaged")
    expect(backups.locator(".badge")).to_have_text("damaged")
    backups.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("is damaged")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
