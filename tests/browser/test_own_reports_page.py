"""Reports of one's own on their page: a field for each parameter, a picture and a table."""

from pathlib import Path

import httpx
import pytest
from browsing import OpenPage
from playwright.sync_api import expect

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "reports"
    made.mkdir()
    made.joinpath("hired.sql").write_text(
        "-- title: Employees <b>hired\n-- description: How many each department hired.\n"
        "-- parameter least integer = 200: so many at least\n-- parameter name text\n"
        "-- chart: bar x=department y=hired\n"
        "SELECT d.department, count(*) AS hired, :name AS name FROM hired_employees e\n"
        "JOIN departments d ON d.id = e.department_id GROUP BY d.department HAVING count(*) >= :least"
    )
    made.joinpath("two.sql").write_text("SELECT 1 AS one, NULL AS two")
    monkeypatch.setenv("ROWFERRY_REPORTS", str(made))


def test_a_field_for_each_parameter(open_page: OpenPage, server: httpx.Client) -> None:
    server.post("/full-bulk-insert")
    page = open_page("/#/reports")
    page.get_by_role("link", name="Employees <b>hired").click()
    expect(page.get_by_text("How many each department hired.")).to_be_visible()
    expect(page.get_by_label("least")).to_have_value("200")
    expect(page.get_by_role("region")).to_have_count(0)
    page.get_by_label("name").fill("x")
    page.get_by_role("button", name="Show").click()
    rows = page.get_by_role("region", name="Employees <b>hired, as a table").locator("tbody tr")
    expect(rows.filter(has_text="Support")).to_have_count(1)
    expect(page.get_by_role("img", name="Employees <b>hired")).not_to_have_attribute("height", "480")  # it is drawn
    page.get_by_label("least").fill("many")
    page.get_by_label("least").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("least must be an integer, not 'many'")
    page.get_by_label("least").fill("9999")
    page.get_by_label("least").press("Enter")
    expect(page.get_by_role("heading", name="Nothing to report")).to_be_visible()


def test_without_parameters_and_chart(open_page: OpenPage) -> None:
    page = open_page("/#/reports/two")
    expect(page.get_by_role("region", name="Two, as a table").locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("img")).to_have_count(0)
    expect(page.get_by_role("button", name="Download as JSON")).to_be_visible()
    expect(page.get_by_role("button", name="Download as PNG")).to_have_count(0)
