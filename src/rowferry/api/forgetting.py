"""What a process that serves forgets by itself: replies that were kept for long enough."""

import asyncio
import logging

from starlette.concurrency import run_in_threadpool

from rowferry import ledger
from rowferry.api.state import ApiState
from rowferry.errors import RowferryError
from rowferry.operations.forget_replies import forget_replies

LOOK_SECONDS = 60.0
"""How often; less than what ledger.WitnessedTime takes for a gap."""

_log = logging.getLogger(__name__)


async def forget_by_and_by(state: ApiState) -> None:
    """Go on until it is cancelled."""
    witnessed = ledger.WitnessedTime()
    while True:
        try:
            if state.started.is_started:
                await run_in_threadpool(forget_replies, state.started.service.backend, witnessed)
        except RowferryError as error:
            # Whether the database is away is told by Tending; the next time will do, and nothing is due by a gap.
            _log.debug("Replies could not be deleted: %s", error.message)
        except Exception:
            _log.exception("Deleting old replies failed; trying again")
        await asyncio.sleep(LOOK_SECONDS)
