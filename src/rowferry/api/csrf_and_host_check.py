"""What browsers are told and asked about safety, on every answer."""

import ipaddress
from collections.abc import Collection
from contextlib import suppress
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

_NOT_OF_HOSTS = set("/?#@\\, ")
"""What would let another part of Host be read as its name."""


class CsrfAndHostCheck:
    """Answers under names of the service only, refuses changes that a page of another site asks for, sets a policy.

    Anybody may let a name of theirs lead to this address, and then their page is of the same site as the service: it
    may read whatever a GET gives, which carries neither Origin nor Sec-Fetch-Site there. So the name of every request
    comes first, whoever asks and whatever for: localhost, one of `hosts`, or an address, which no DNS leads elsewhere.

    Where a page comes from, browsers say in Sec-Fetch-Site, or, where a service on another machine is reached by plain
    HTTP, at least in Origin. Other clients say nothing of it.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app = app
        self._hosts = {"localhost", *(host.strip().casefold() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = _DOCS_HEADERS if scope["path"] == "/docs" else _HEADERS

        async def send_with_rules(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        app = self._refusal(scope) or self.app
        await app(scope, receive, send_with_rules)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        name = _host_name(scope)
        if name is None:
            return refusal(
                400,
                "request.host_invalid",
                "The request does not name exactly one host",
                "Send exactly one Host header.",
            )
        if not self._knows(name):
            message_and_hint = (
                f"{name!r} is not a known name of this service",
                "Add it to ROWFERRY_HOSTS, or use an IP address.",
            )
            return refusal(421, "request.host_unknown", *message_and_hint)
        if scope["method"] not in _READING and _comes_from_elsewhere(scope):
            message_and_hint = (
                "Pages of other sites may not change anything here",
                "Do it from the pages of this service.",
            )
            return refusal(403, "request.cross_site", *message_and_hint)
        return None

    def _knows(self, name: str) -> bool:
        name = name.removesuffix(".")
        return name in self._hosts or name.endswith(".localhost") or _is_address(name)


def _host_name(scope: Scope) -> str | None:
    """The name in Host, without its port; HTTP/1.0, which no browser speaks, may do without: then it is localhost."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if not given and scope["http_version"] == "1.0":
        return "localhost"
    with suppress(ValueError):
        if len(given) == 1 and not set(given[0]) & _NOT_OF_HOSTS:
            return urlsplit(f"//{given[0]}").hostname
    return None


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
