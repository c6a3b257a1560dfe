"""What pages look like, where a test can tell: labels are read on their ground, pictures are dark in the dark."""

import base64
from pathlib import Path

import httpx
import pytest
from browsing import OpenPage
from playwright.sync_api import Locator, Page, expect

CONTRAST = """(button) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = (colours) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((one) => {
            const part = one / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = getComputedStyle(button), ground = getComputedStyle(document.body).backgroundColor;
    const [low, high] = [light([ground, found.backgroundColor]), light([found.color])].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
}"""

BRIGHTNESS = """async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
    canvas.drawImage(image, 0, 0);
    return canvas.getImageData(5, 5, 1, 1).data[0];
}"""

READABLE = 4.5


@pytest.fixture(params=["sqlite"])
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/looks.db"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_buttons_keep_their_labels_under_the_pointer(open_page: OpenPage, scheme: str) -> None:
    page = open_page("/#/backups", color_scheme=scheme)
    expect(page.get_by_role("button", name="Back up now")).to_be_visible()
    for place, kind in enumerate(("main", "danger", "quiet", "")):
        page.evaluate(
            "([place, kind]) => { const made = document.createElement('button'); made.textContent = `Kind ${kind}`;"
            " made.className = kind; made.id = `kind-${kind}`; document.querySelector('main').append(made);"
            # What the page still loads moves no button away from under the pointer, nor one under it.
            " made.style.cssText = `position: fixed; left: 40%; top: ${20 + 15 * place}%`; }",
            [place, kind],
        )
        button = page.locator(f"#kind-{kind}")
        resting: str = button.evaluate("(button) => getComputedStyle(button).backgroundColor")
        assert button.evaluate(CONTRAST) >= READABLE, kind
        button.hover()
        expect(button, f"{kind}: that it is under the pointer can be seen").not_to_have_css("background-color", resting)
        assert button.evaluate(CONTRAST) >= READABLE, kind


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_pictures_of_reports_are_dark_where_the_page_is(
    open_page: OpenPage, server: httpx.Client, scheme: str, is_dark: bool
) -> None:
    server.post("/full-bulk-insert")
    page = open_page("/#/reports", color_scheme=scheme)
    for name in ("Hires by quarter", "Departments above the mean"):
        page.get_by_role("link", name=name).click()
        picture = page.get_by_role("img", name=f"{name} in 2021")
        expect(picture).not_to_have_attribute("height", "480")
        assert (brightness(page, picture) < 128) == is_dark


def brightness(page: Page, picture: Locator) -> float:
    found: float = page.evaluate(BRIGHTNESS, f"data:image/png;base64,{base64.b64encode(picture.screenshot()).decode()}")
    return found


def test_rules_are_read_whole_on_a_telephone(open_page: OpenPage) -> None:
    page = open_page("/#/tables/hired_employees", viewport={"width": 390, "height": 844})
    rules = page.get_by_role("region", name="Rules of hired_employees")
    expect(rules.get_by_text("required, references departments.id")).to_be_visible()
    assert rules.evaluate("(region) => region.scrollWidth <= region.clientWidth")


def test_a_year_has_four_digits(open_page: OpenPage, server: httpx.Client) -> None:
    page = open_page("/#/reports?year=21")
    expect(page.get_by_role("alert")).to_contain_text("'21' is not a valid year")
    page.get_by_role("button", name="Next year").click()
    expect(page.get_by_label("Year", exact=True)).to_have_value("0022")
    expect(page.get_by_role("heading", name="Nothing to report for 0022")).to_be_visible()
