"""The progress of the loads of this process."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from threading import Lock

from pydantic import BaseModel, Field

from rowferry.events import Event, Observe, PublishStarted, RowsJudged

LOOK_SECONDS = 0.1
"""How often a subscriber looks for news, which costs no more than a lookup in a dictionary."""


class Progress(BaseModel):
    """The progress of a load, over all its files."""

    load_id: str
    phase: str = Field(description="reading, or publishing once all rows are judged")
    table: str | None = Field(description="The table being loaded")
    rows_read: int
    rejected: int
    bytes_read: int = Field(description="Bytes read of the files as stored, compressed or not")
    bytes_total: int
    rows_per_second: float
    seconds: float = Field(description="Seconds since the load started")
    seconds_left: float | None = Field(description="Estimated seconds until all files are read")


class _Tally:
    """What the events of one load add up to; written by the load's thread, read by others."""

    def __init__(self, load_id: str, bytes_total: int) -> None:
        self.load_id, self.bytes_total = load_id, bytes_total
        self.events = 0
        self._started = time.monotonic()
        self._phase, self._table = "reading", ""
        self._judged: dict[str, RowsJudged] = {}
        self._lock = Lock()

    def observe(self, event: Event) -> None:
        with self._lock:
            match event:
                case RowsJudged():
                    self._phase, self._table = "reading", event.table
                    self._judged[event.table] = event
                case PublishStarted():
                    self._phase, self._table = "publishing", event.table
            self.events += 1

    def progress(self) -> Progress:
        with self._lock:
            phase, table, judged = self._phase, self._table, list(self._judged.values())
        seconds = time.monotonic() - self._started
        rows_read, bytes_read = sum(event.rows_read for event in judged), sum(event.bytes_read for event in judged)
        left = max(self.bytes_total - bytes_read, 0) * seconds / bytes_read if bytes_read else None
        return Progress(
            load_id=self.load_id,
            phase=phase,
            table=table or None,
            rows_read=rows_read,
            rejected=sum(event.rejected for event in judged),
            bytes_read=bytes_read,
            bytes_total=self.bytes_total,
            rows_per_second=round(rows_read / seconds, 1) if seconds else 0,
            seconds=round(seconds, 3),
            seconds_left=None if left is None else round(left, 3),
        )


class ProgressHub:
    """Adds up the events of loads for any number of subscribers, and forgets a load that has ended."""

    def __init__(self) -> None:
        self._running: dict[str, _Tally] = {}

    @contextmanager
    def tracking(self, load_id: str, bytes_total: int) -> Iterator[Observe]:
        """Show a load until the context ends; yields the observer of its events."""
        tally = self._running[load_id] = _Tally(load_id, bytes_total)
        try:
            yield tally.observe
        finally:
            del self._running[load_id]

    def running(self) -> list[Progress]:
        """The progress of each load of this process."""
        return [tally.progress() for tally in list(self._running.values())]

    async def changes(self, load_id: str) -> AsyncIterator[Progress]:
        """The progress of a load, each time it has changed, until the load ends."""
        seen = -1
        while tally := self._running.get(load_id):
            if tally.events != seen:
                seen = tally.events
                yield tally.progress()
            await asyncio.sleep(LOOK_SECONDS)
