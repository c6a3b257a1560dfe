"""The pages for people and the documentation of the API: files that are served as they are."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

_WEB = Path(str(files("rowferry.api"))) / "web"
_SWAGGER = Path(str(files("fastapi_swagger"))) / "resources"


_LINK_TO_REPORTS = '        <a href="#/reports">Reports</a>\n'


def install(app: FastAPI, *, with_reports: bool) -> None:
    """Serve the pages at `/`, the documentation at `/docs`, and what both need below `/web`; nothing from elsewhere."""
    app.add_api_route("/", _page("index.html") if with_reports else _without_reports, include_in_schema=False)
    app.add_api_route("/docs", _page("docs.html"), include_in_schema=False)
    app.mount("/web/swagger", _Files(directory=_SWAGGER))
    app.mount("/web", _Files(directory=_WEB))


class _Files(StaticFiles):
    """Files that browsers keep, but ask about each time: parts of two versions must never meet."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def _without_reports() -> Response:
    """The first page, where the tables are none of those that reports are about."""
    page = (_WEB / "index.html").read_text("utf-8").replace(_LINK_TO_REPORTS, "")
    return Response(page, headers={"Cache-Control": "no-cache"}, media_type="text/html")


def _page(name: str) -> Callable[[], Awaitable[FileResponse]]:
    async def page() -> FileResponse:
        return FileResponse(_WEB / name, headers={"Cache-Control": "no-cache"})

    return page
