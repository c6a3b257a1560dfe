"""What holds for every page: it looks things up, harms nobody, fits everywhere, and everybody can use it."""

import csv
import io
import re
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import OpenPage
from playwright.sync_api import expect

PAGES = [
    "load",
    "tables/hired_employees",
    "backups",
    "reports/hires-by-quarter",
    "reports/departments-above-mean",
    "history",
]

HOSTILE = [
    "<script>window.harmed = 1</script>",
    "<img src=x onerror='window.harmed = 1'>",
    '"><svg onload=window.harmed=1>',
    "</td></table><iframe srcdoc='<script>parent.harmed=1</script>'>",
    "javascript:window.harmed=1",
    "{{constructor.constructor('harmed=1')()}}",
    "=cmd|' /C calc'!A0",
]


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> str:
    """One database is enough for what pages look like."""
    return f"sqlite:///{tmp_path}/pages.db"


@pytest.fixture
def filled(server: httpx.Client) -> str:
    """The real input is loaded; the id of the load."""
    load_id: str = server.post("/full-bulk-insert").json()["load_id"]
    server.post("/batch-transactions", json={"departments": [{"id": 13, "department": "Night Ferries"}, {"id": "x"}]})
    return load_id


def test_tables_show_their_rules_and_rows(open_page: OpenPage, filled: str) -> None:
    page = open_page("/#/tables", timezone_id="America/Bogota")
    expect(page.get_by_text("A department of the company.")).to_be_visible()
    page.get_by_role("link", name="hired_employees").click()
    rules = page.get_by_role("region", name="Rules of hired_employees")
    expect(rules.get_by_text("required, references departments.id")).to_be_visible()
    rows = page.get_by_role("region", name="Rows of hired_employees").locator("tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("Harold Vogt")
    hired = rows.first.locator("time")
    expect(hired).to_have_text("Nov 6, 2021, 9:48:42 PM")
    expect(hired).to_have_attribute("title", "2021-11-07 02:48:42 UTC")
    page.get_by_role("button", name="Next").click()
    expect(rows.first).not_to_contain_text("Harold Vogt")
    page.get_by_role("button", name="Previous").click()
    expect(rows.first).to_contain_text("Harold Vogt")
    page.get_by_label("Rows after id").fill("1998")
    page.get_by_label("Rows after id").press("Enter")
    expect(rows).to_have_count(1)
    page.get_by_label("Rows after id").fill("soon")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("alert")).to_contain_text("'soon' is not a key of hired_employees.")


def test_reports_show_a_picture_and_a_table_for_any_year(open_page: OpenPage, filled: str) -> None:
    page = open_page("/#/reports")
    picture = page.get_by_role("img", name="Hires by quarter in 2021")
    expect(picture).to_be_visible()
    page.wait_for_function("document.querySelector('img.picture').naturalWidth > 500")
    expect(page.get_by_text("933 rows")).to_be_visible()
    table = page.get_by_role("region", name="Hires by quarter, as a table")
    expect(table.locator("tbody tr")).to_have_count(933)
    page.get_by_label("Department").select_option("Support")
    expect(table.locator("tbody tr").first).to_contain_text("Support")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download as CSV").click()
    assert len(list(csv.reader(io.StringIO(Path(taken.value.path()).read_text("utf-8"))))) == 934
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download as PNG").click()
    assert Path(taken.value.path()).read_bytes().startswith(b"\x89PNG")
    page.get_by_role("link", name="Departments above the mean").click()
    expect(page.get_by_role("region").locator("tbody tr")).to_have_count(7)
    expect(page.get_by_role("region").locator("tbody tr").first).to_contain_text("Support216")
    page.get_by_role("button", name="Previous year").click()
    expect(page.get_by_role("heading", name="Nothing to report for 2020")).to_be_visible()
    page.get_by_label("Year", exact=True).fill("0")
    page.get_by_label("Year", exact=True).press("Tab")
    expect(page.get_by_role("alert")).to_contain_text("Give a year in four digits")


def test_history_lists_loads_and_batches_with_their_outcome(open_page: OpenPage, filled: str) -> None:
    page = open_page("/#/history")
    rows = page.get_by_role("region", name="History").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("1 row inserted, 0 updated, 1 rejected")
    expect(rows.nth(1)).to_contain_text("2,124 rows inserted, 70 rejected")
    page.get_by_role("link", name="Batches").click()
    expect(rows).to_have_count(1)


def test_rows_are_data_and_nothing_in_them_is_markup(open_page: OpenPage, server: httpx.Client, tmp_path: Path) -> None:
    written = io.StringIO()
    csv.writer(written).writerows(enumerate(HOSTILE, 1))
    server.post("/full-bulk-insert/departments", content=written.getvalue())
    server.post("/full-bulk-insert/jobs", content=written.getvalue())
    file = tmp_path / "<img src=x onerror=harmed=1> hired_employees.csv"
    instant = "2021-05-05T00:00:00Z"
    with file.open("w", newline="") as lines:
        good = [[number, text, instant, number, number] for number, text in enumerate(HOSTILE, 1)]
        csv.writer(lines).writerows([*good, *([text] * 5 for text in HOSTILE), [99, "x", instant, 1, 1]])
    page = open_page()
    page.get_by_label("Drop CSV files here").set_input_files(file)
    page.get_by_role("button", name="Load", exact=True).click()
    for at, text in enumerate(HOSTILE, len(HOSTILE) + 1):
        expect(page.get_by_label(f"name of row {at}", exact=True)).to_have_value(text)
    for summary in page.get_by_text("As it was").all():
        summary.click()
    expect(page.get_by_text(HOSTILE[0]).first).to_be_visible()
    for address in PAGES:
        page.goto(f"/#/{address}")
        expect(page.locator("main h1")).to_be_visible()
        if address not in {"load", "backups", "history"}:
            expect(page.locator("td", has_text=HOSTILE[0]).first).to_be_visible()
        page.wait_for_load_state("networkidle")
    assert page.evaluate("window.harmed") is None
    assert page.locator("main script, main iframe, main svg, img[src=x]").count() == 0
    drawn = page.goto("/reports/hires-by-quarter?year=2021", wait_until="load")
    assert drawn
    assert drawn.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.fixture
def few(server: httpx.Client) -> str:
    """Few rows of everything, since axe looks at each; the id of a load with rejected rows."""
    server.post("/full-bulk-insert/departments", content="1,Sales\n2,Legal\n3,Support\n")
    server.post("/full-bulk-insert/jobs", content="1,Clerk\n2,Lawyer\n")
    rows = [f"{n},Name {n},2021-0{n % 9 + 1}-01T00:00:00Z,{n % 7 % 3 + 1},{n % 2 + 1}\n" for n in range(20)]
    load = server.post("/full-bulk-insert/hired_employees", content="".join(rows) + "x,,,,\n20,A,soon,9\n").json()
    server.post("/backup-table")
    server.post("/restore-table/jobs")
    load_id: str = load["load_id"]
    return load_id


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_everybody_can_use_every_page(open_page: OpenPage, few: str, scheme: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.evaluate(
        "window.shifted = 0; new PerformanceObserver((list) => list.getEntries().forEach((one) =>"
        " { if (!one.hadRecentInput) window.shifted += one.value; })).observe({ type: 'layout-shift', buffered: true })"
    )
    for address in [*PAGES, f"load/{few}", "history/loads", "load/nowhere"]:
        page.evaluate("window.shifted = 0")
        page.goto(f"/#/{address}")
        page.wait_for_load_state("networkidle")
        expect(page.locator("main .waiting")).to_have_count(0)
        assert page.evaluate("window.shifted") < 0.1, address
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        serious = [
            violation for violation in found.response["violations"] if violation["impact"] in ("serious", "critical")
        ]
        assert serious == [], (
            f"{address}: {[(violation['id'], violation['nodes'][0]['html']) for violation in serious]}"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_pages_are_used_by_keyboard(open_page: OpenPage, filled: str) -> None:
    page = open_page()
    expect(page.get_by_role("heading", name="Load CSV files")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page.locator(".drop")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#files")).to_be_focused()
    page.get_by_role("link", name="Reports").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page.get_by_role("link", name="Reports")).to_have_attribute("aria-current", "page")
    assert page.title() == "Reports · Rowferry"


def test_the_documentation_of_the_api_needs_no_network(open_page: OpenPage, server: httpx.Client) -> None:
    page = open_page("/docs")
    expect(page.get_by_text("/full-bulk-insert/{table}")).to_be_visible()
    page.get_by_text("/livez").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text(re.compile('"status": "alive"')).first).to_be_visible()
    assert "script-src 'self';" in server.get("/docs").headers["content-security-policy"]
