"""HEAD: what GET would answer, without its body."""

from starlette.types import ASGIApp, Receive, Scope, Send

_STREAMS = "/events"


class HeadRequests:
    """Lets HEAD be answered as GET is; the server leaves the body out. A stream of events is nothing but its body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD" and not scope["path"].endswith(_STREAMS):
            await self.app({**scope, "method": "GET"}, receive, send)
            return
        await self.app(scope, receive, send)
