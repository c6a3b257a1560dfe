"""What browsers are told and asked about safety, on every answer."""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rowferry.api.problems import refusal

_PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_DOCS = _PAGES.replace("; require-trusted-types-for 'script'", "")
"""Swagger UI writes markup by itself; it runs no script but its own either."""

_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_HEADERS = [*_ALWAYS, (b"content-security-policy", _PAGES.encode())]
_DOCS_HEADERS = [*_ALWAYS, (b"content-security-policy", _DOCS.encode())]

_READING = {"GET", "HEAD", "OPTIONS"}
_ELSEWHERE = {b"cross-site", b"same-site"}


class BrowserRules:
    """Adds a strict Content-Security-Policy to each answer; refuses changes that a page of another site asks for.

    Browsers say in Sec-Fetch-Site where a request comes from, or, where a service on another machine is reached by
    plain HTTP, at least in Origin. Other clients say nothing, and are not concerned. What a browser asks for under a
    name that is not among `hosts` is refused, too: anybody may let a name of theirs lead to this address, and then
    their page would be of the same site. An address, and a name without a dot, cannot be made to lead elsewhere.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app = app
        self._hosts = {host.strip().casefold() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = _DOCS_HEADERS if scope["path"] == "/docs" else _HEADERS

        async def send_with_rules(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        if scope["method"] not in _READING and _comes_from_elsewhere(scope):
            told = "A page of another site may not change anything here", "Do it from the pages of this service."
            await refusal(403, "request.cross_site", *told)(scope, receive, send_with_rules)
            return
        if not self._knows(scope):
            told = "Nobody said that this is a name of this service", "Name it in ROWFERRY_HOSTS, or use an address."
            await refusal(421, "request.host_unknown", *told)(scope, receive, send_with_rules)
            return
        await self.app(scope, receive, send_with_rules)

    def _knows(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        if not headers.keys() & {b"sec-fetch-site", b"origin"}:
            return True
        try:
            name = urlsplit(f"//{headers.get(b'host', b'').decode('latin-1')}").hostname or ""
        except ValueError:
            return False
        return "." not in name or name.endswith(".localhost") or name in self._hosts or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _comes_from_elsewhere(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    if site := headers.get(b"sec-fetch-site"):
        return site in _ELSEWHERE
    origin = headers.get(b"origin")
    return origin is not None and origin.partition(b"://")[2] != headers.get(b"host")
