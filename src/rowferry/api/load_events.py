"""How a load goes on, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from sse_starlette.event import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from rowferry import ledger
from rowferry.api.answers import ReceiptAnswer, receipt_of_load
from rowferry.api.problems import problem_of_load
from rowferry.api.progress import Progress
from rowferry.api.state import ApiState, reading
from rowferry.bootstrap import Service
from rowferry.errors import RowferryError

LAST_EVENT = "end"
"""The id of the last event of any load; a browser that connects again says that it has seen it."""

_LOOK_SECONDS = 0.5


async def load_events(state: ApiState, service: Service, load_id: str) -> AsyncIterator[ServerSentEvent]:
    """Events `progress` while the load runs, in whatever process; at its end `receipt` or `problem`."""
    async for progress in state.hub.changes(load_id):
        yield ServerSentEvent(progress.model_dump_json(), event="progress")
    seen = None
    while (load := await run_in_threadpool(_ended, service, load_id)) is None:
        noted = await run_in_threadpool(_noted, service, load_id)
        if noted and noted != seen:
            seen = noted
            yield ServerSentEvent(Progress.model_validate(noted).model_dump_json(), event="progress")
        await asyncio.sleep(_LOOK_SECONDS)
    yield _last_event(load)


def _noted(service: Service, load_id: str) -> dict[str, Any] | None:
    """How far a load has come in another process; None too while the database is away."""
    try:
        with reading(service) as connection:
            return ledger.find_progress(connection, load_id)
    except RowferryError:
        return None


def _ended(service: Service, load_id: str) -> dict[str, Any] | None:
    """The load, if it has ended, be it by the end of the process it ran in; None too while the database is away."""
    try:
        with reading(service) as connection:
            load = ledger.find_load(connection, load_id)
        if load and load["status"] == "running":
            with service.backend.errors():
                if not service.backend.is_held(load_id):
                    service.clear_interrupted()
            return None
    except RowferryError:
        return None
    return load


def _last_event(load: dict[str, Any]) -> ServerSentEvent:
    if load["error"]:
        return ServerSentEvent(problem_of_load(load).model_dump_json(), event="problem", id=LAST_EVENT)
    receipt = ReceiptAnswer.model_validate(receipt_of_load(load))
    return ServerSentEvent(json.dumps(receipt.model_dump()), event="receipt", id=LAST_EVENT)
