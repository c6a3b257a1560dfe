"""The page Load, as people use it: choose, try, load, correct what was rejected, and load that again."""

import csv
import io
import re
from pathlib import Path

import httpx
import pytest
from api_server import stopped_at
from browsing import OpenPage
from playwright.sync_api import Page, expect

from rowferry.events import RowsJudged

NAMES = ("departments", "jobs", "hired_employees")

one_database = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
"""For what is the same on every database."""

FIRST_FIVE = {2: "job_id", 67: "department_id", 84: "job_id", 87: "department_id", 97: "department_id"}
"""What is missing in the first five of the rejected rows of the real input."""


def choose(page: Page, *files: Path) -> None:
    page.get_by_label("Drop CSV files here").set_input_files(files)


def load(page: Page, *files: Path) -> None:
    choose(page, *files)
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.locator(".badge.good")).to_have_count(len(files))


def test_the_real_input_is_tried_loaded_and_its_first_five_rejects_corrected(
    open_page: OpenPage, server: httpx.Client, globant: Path
) -> None:
    page = open_page()
    expect(page.get_by_role("heading", name="No loads yet")).to_be_visible()
    choose(page, *(globant / f"{name}.csv" for name in reversed(NAMES)))
    for name in NAMES:
        expect(page.get_by_label(f"Table of {name}.csv")).to_have_value(name)
    page.get_by_role("button", name="Try").click()
    expect(
        page.get_by_text("Nothing was written. A load now would give: 12 rows inserted, 0 rejected.")
    ).to_be_visible()
    page.get_by_role("button", name="Back to the files").click()
    assert server.get("/loads").json()["items"] == []

    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_text("1,929 rows inserted, 70 rejected.")).to_be_visible()
    rejects = page.get_by_role("region", name="Rejected rows of hired_employees")
    expect(rejects.locator("tbody tr")).to_have_count(70)
    expect(rejects.get_by_label("job_id of row 2", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(rejects.get_by_label("name of row 2", exact=True)).not_to_have_attribute("aria-invalid", "true")
    rejects.get_by_text("As it was").first.click()
    expect(rejects.get_by_text("2,Ty Hofer,2021-05-30T05:43:46Z,8,")).to_be_visible()

    for row, column in FIRST_FIVE.items():
        rejects.get_by_label(f"{column} of row {row}", exact=True).fill("999" if row == 97 else "1")
    expect(page.get_by_text("5 rows corrected")).to_be_visible()
    page.get_by_role("button", name="Try").click()
    told = page.locator("main .notice").last
    expect(told).to_have_text("4 rows would be inserted, 1 rejected (reference.missing 1).")
    page.get_by_role("button", name="Load corrected rows").click()
    expect(told).to_contain_text("4 rows were inserted, 1 rejected (reference.missing 1).")
    expect(page.get_by_text("✓ loaded")).to_have_count(4)
    expect(page.get_by_text("department_id 999 is not in departments")).to_be_visible()
    rejects.get_by_label("department_id of row 97", exact=True).fill("1")
    page.get_by_role("button", name="Load corrected rows").click()
    expect(page.get_by_text("✓ loaded")).to_have_count(5)

    rows = server.get("/tables/hired_employees/rows?limit=100").json()["items"]
    corrected = {row["id"]: row for row in rows if row["id"] in FIRST_FIVE}
    assert {key: corrected[key][column] for key, column in FIRST_FIVE.items()} == dict.fromkeys(FIRST_FIVE, 1)
    page.get_by_role("link", name="See this load").click()
    expect(page.get_by_text("1 row inserted, 0 rejected.")).to_be_visible()


@one_database
def test_rejects_are_filtered_undone_and_taken_away_as_a_file(
    open_page: OpenPage, server: httpx.Client, globant: Path
) -> None:
    found = server.post("/full-bulk-insert").json()
    page = open_page(f"/#/load/{found['load_id']}")
    rejects = page.get_by_role("region", name="Rejected rows of hired_employees")
    expect(rejects.locator("tbody tr")).to_have_count(70)
    without_job = page.get_by_label("Column").locator("option").filter(has_text="job_id").inner_text()
    page.get_by_label("Column").select_option("job_id")
    number = int(re.findall(r"\((\d+)\)", without_job)[0])
    expect(rejects.locator("tbody tr")).to_have_count(number)
    expect(page.get_by_text(f"{number} of {number} rows shown")).to_be_visible()
    page.get_by_label("Reason").select_option("value.required")
    cell = rejects.get_by_label("job_id of row 2", exact=True)
    cell.fill("7")
    cell.press("Enter")
    expect(rejects.get_by_label("job_id of row 84", exact=True)).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(cell).to_have_value("")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download as CSV").click()
    assert taken.value.suggested_filename == "hired_employees.csv"
    rows = list(csv.DictReader(io.StringIO(Path(taken.value.path()).read_text("utf-8"))))
    assert len(rows) == 70
    assert rows[0]["rejected_because"] == "job_id is required"


@one_database
def test_cells_stand_in_their_columns_whatever_the_order_in_the_file(open_page: OpenPage, tmp_path: Path) -> None:
    file = tmp_path / "my hired_employees (2).CSV"
    file.write_text('job_id,department_id,ID,name,datetime\n,2,1,"Ann, of\nthe ""North""",2021-01-01T00:00:00Z\n')
    page = open_page()
    choose(page, file)
    expect(page.get_by_label(f"Table of {file.name}")).to_have_value("hired_employees")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_label("name of row 2", exact=True)).to_have_value('Ann, of\nthe "North"')
    expect(page.get_by_label("id of row 2", exact=True)).to_have_value("1")
    expect(page.get_by_label("department_id of row 2", exact=True)).to_have_attribute(
        "title", re.compile("is not in departments")
    )


def test_a_load_goes_on_without_its_page_and_is_found_again(
    open_page: OpenPage, globant: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page()
    with stopped_at(RowsJudged, monkeypatch) as go_on:
        choose(page, globant / "departments.csv")
        page.get_by_role("button", name="Load", exact=True).click()
        expect(page.get_by_label("Rows read")).to_be_visible()
        expect(page.get_by_text("Rows per second")).to_be_visible()
        expect(page.get_by_text("Time left")).to_be_visible()
        address = page.url
        page.close()
        again = open_page("/#/history")
        expect(again.locator(".badge.busy")).to_have_text("running")
        again.get_by_role("link", name="Load", exact=True).nth(1).click()
        expect(again.get_by_label("Rows read")).to_be_visible()
        assert again.url == address
        go_on.set()
        expect(again.get_by_text("12 rows inserted, 0 rejected.")).to_be_visible()


@one_database
def test_options_and_the_data_folder_of_the_server(open_page: OpenPage, server: httpx.Client, tmp_path: Path) -> None:
    page = open_page()
    page.get_by_role("button", name="Load the data folder of the server").click()
    expect(page.get_by_text("2,124 rows inserted, 70 rejected.")).to_be_visible()
    page.get_by_role("link", name="← Load another file").click()
    changed = tmp_path / "departments.csv"
    changed.write_text("1,Renamed\nx,Y\n")
    choose(page, changed)
    page.get_by_text("Options").click()
    page.get_by_label("A row whose key is already taken").select_option("update")
    page.get_by_label("Stop if more rows are rejected").fill("0")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("1 of 2 rows were rejected, but the limit is 0")
    expect(page.get_by_role("alert")).to_contain_text("No rows were inserted.")
    expect(page.get_by_label("id of row 2", exact=True)).to_have_value("x")
    assert server.get("/tables/departments/rows?limit=1").json()["items"][0]["department"] == "Product Management"


@one_database
def test_what_goes_wrong_is_said_in_words(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("/#/load/load-nowhere")
    expect(page.get_by_role("alert")).to_contain_text("There is no load 'load-nowhere'.")
    expect(page.get_by_role("alert")).to_contain_text("See the loads")
    page.goto("/#/load")
    picture = tmp_path / "departments.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    choose(page, picture)
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_role("alert")).to_contain_text("departments.csv is not a CSV file")
    page.context.set_offline(True)
    page.get_by_role("button", name="Back to the files").click()
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")


@one_database
def test_how_files_are_written_is_said_on_the_page(open_page: OpenPage, server: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "jobs.csv"
    file.write_text("nr;job;cost\n1;Clerk;5\n2;-;6\n3;NULL;7\n")
    page = open_page()
    choose(page, file)
    page.get_by_text("Options").click()
    page.get_by_label("Field delimiter").fill(";")
    page.get_by_label("Words for a missing value").fill("- n/a")
    page.get_by_label("Columns with other names in the files").fill("nr=id")
    page.get_by_label("Columns to skip").fill("cost")
    page.get_by_label("The first row is a header").select_option("yes")
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_text("Nothing was written. A load now would give: 2 rows inserted, 1 rejected.")).to_be_visible()
    expect(page.get_by_label("Notes")).to_contain_text("jobs.csv: 1 cell contains NULL as text")
    page.get_by_role("button", name="Back to the files").click()
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_label("Notes")).to_contain_text("1 cell contains NULL as text")
    expect(page.get_by_label("job of row 3", exact=True)).to_have_value("")
    assert server.get("/loads").json()["items"][0]["options"]["null"] == ["-", "n/a"]
