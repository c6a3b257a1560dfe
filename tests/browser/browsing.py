"""A browser for tests of the pages: the system's Chromium, which may speak to the server under test alone."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import serve
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_SECONDS = 15

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a module; an event loop runs in this thread as long as it is open."""
    with launched() as opened:
        yield opened


@contextmanager
def launched(*switches: str) -> Iterator[Browser]:
    """A browser that was started with more switches."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    assert program, "the tests of the pages need Chromium: apt-get install chromium"
    expect.set_options(timeout=_SECONDS * 1000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=[*_SWITCHES, *switches])
        yield opened
        opened.close()


@pytest.fixture
def server(database_url: str, globant: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A server whose database is empty, and whose DATA_DIR is the real input."""
    monkeypatch.setenv("BACKUP_DIR", str(tmp_path / "backups"))
    with serve(database_url, globant, tmp_path / "logs") as client:
        yield client


@pytest.fixture
def open_page(browser: Browser, server: httpx.Client) -> Iterator[OpenPage]:
    """Opens pages of the server; whatever they complain about, or ask of somebody else, fails the test.

    Problems that the API answers on purpose are named by their status in `page.allowed`.
    """
    with ExitStack() as contexts:
        complaints: list[str] = []

        def open_at(address: str = "/", **context: Any) -> Page:
            settings = {"viewport": {"width": 1280, "height": 860}, "locale": "en-US", "timezone_id": "UTC"}
            opened = contexts.enter_context(browser.new_context(base_url=str(server.base_url), **settings | context))
            opened.route("**/*", lambda route: _only_here(route, server, complaints))
            page = opened.new_page()
            page.set_default_timeout(_SECONDS * 1000)
            page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
            page.on("console", lambda told: _note(told.type, told.text, complaints))
            page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
            page.goto(address)
            return page

        yield open_at
    assert complaints == []


def _only_here(route: Route, server: httpx.Client, complaints: list[str]) -> None:
    if route.request.url.startswith((str(server.base_url), "blob:", "data:")):
        route.continue_()
        return
    complaints.append(f"asked elsewhere: {route.request.url}")
    route.abort()


def _note(kind: str, text: str, complaints: list[str]) -> None:
    # Chromium logs each answer of 400 and more, also those that are shown in words.
    if kind in ("error", "warning") and "Failed to load resource" not in text:
        complaints.append(f"{kind}: {text}")
