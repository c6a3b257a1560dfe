"""A live server on a free port, spoken to as a user would."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import uvicorn

from ports import WITHOUT_TLS
from rowferry.api.app import create_app
from rowferry.api.progress import _Tally
from rowferry.events import Event as Happened
from rowferry.settings import read_settings
from waiting import wait_until

DEADLINE = 30.0


class PromptServer(uvicorn.Server):
    """A server that looks ten times as often whether it should end, which a hundred tests wait for."""

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            await asyncio.sleep(0.01)


@contextmanager
def serve(database_url: str, data_dir: Path, log_dir: Path) -> Iterator[httpx.Client]:
    """Serve the API until the end of the context."""
    settings = replace(
        read_settings(database_url), data_dir=data_dir, log_dir=log_dir, backup_dir=log_dir.with_name("backups")
    )
    config = uvicorn.Config(create_app(settings), port=0, log_level="warning", ws="none", lifespan="on")
    server = PromptServer(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE, verify=WITHOUT_TLS) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(DEADLINE)
    assert not thread.is_alive()


@contextmanager
def stopped_at(kind: type[Happened], monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Let loads stop where they tell of something, until the event is set."""
    go_on, observe = Event(), _Tally.observe

    def observe_and_stop(tally: _Tally, event: Happened) -> None:
        observe(tally, event)
        if isinstance(event, kind):
            assert go_on.wait(DEADLINE)

    monkeypatch.setattr(_Tally, "observe", observe_and_stop)
    try:
        yield go_on
    finally:
        go_on.set()


def read_events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream: name and data."""
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def counts(receipt: dict[str, Any]) -> tuple[int, ...]:
    """Inserted, updated, unchanged, rejected."""
    return tuple(receipt[name] for name in ("inserted", "updated", "unchanged", "rejected"))
