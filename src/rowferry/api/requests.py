"""Each request from outside: its id in and out, one line in the log, and its share in the metrics."""

import logging
import re
import secrets
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rowferry.observers.logging import REQUEST_ID
from rowferry.observers.metrics import count_request

HEADER = "X-Request-ID"

_log = logging.getLogger("rowferry.requests")

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

_GIVEN = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

_ASKED_BY_PROGRAMS = {"/livez", "/readyz", "/metrics"}
"""Asked every few seconds, so that only what goes wrong with them is worth a line."""


class ObservedRequests:
    """Always outermost: also what the framework answers by itself has an id and is logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        token = REQUEST_ID.set(request_id)
        answer, started = _Answer(send, request_id), time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        finally:
            _tell(scope, answer.status, time.perf_counter() - started)
            REQUEST_ID.reset(token)


class _Answer:
    """Marks the answer with the id, and sees its status; 499 as long as there is none, as proxies call it."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._request_id = send, request_id
        self.status = 499

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[HEADER] = self._request_id
        await self._send(message)


def _request_id(scope: Scope) -> str:
    """The id that the client gave, if it can stand in a log; else a new one."""
    given = Headers(scope=scope).get(HEADER.lower(), "")
    return given if _GIVEN.fullmatch(given) else secrets.token_hex(8)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    route: Any = scope.get("route")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    count_request(method, getattr(route, "path", "none"), status, seconds)
    failed = status >= 500
    if scope["path"] not in _ASKED_BY_PROGRAMS or failed:
        fields = {
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "seconds": round(seconds, 4),
            "client": (scope.get("client") or ["unknown"])[0],
        }
        _log.log(logging.WARNING if failed else logging.INFO, "request", extra={"fields": fields})
