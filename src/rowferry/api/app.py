"""The web application: everything that answers HTTP, joined."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from rowferry.api import pages, problems
from rowferry.api.csrf_and_host_check import CsrfAndHostCheck
from rowferry.api.draining import Draining
from rowferry.api.forgetting import forget_by_and_by
from rowferry.api.head_requests import HeadRequests
from rowferry.api.known_parameters import refuse_unknown_parameters
from rowferry.api.openapi import describe_api
from rowferry.api.requests import ObservedRequests
from rowferry.api.routers import (
    backups,
    batch_transactions,
    full_bulk_insert,
    health,
    loads,
    reports,
    restore_table,
    tables,
)
from rowferry.api.state import ApiState
from rowferry.api.tending import Tending
from rowferry.bootstrap import Service
from rowferry.settings import Settings, read_settings

_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application, with the settings in force unless others are given.

    The database is not needed yet: if it is away when the application starts, requests are answered with 503 until it
    is there.

    Raises:
        UsageError: The settings make no sense.
    """
    service = Service(settings or read_settings())
    state = ApiState(service)
    draining = Draining(service.settings.shutdown_seconds, state.runner.stop, service.backend.cancel)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        draining.listen()
        by_itself = [asyncio.create_task(Tending(state).run()), asyncio.create_task(forget_by_and_by(state))]
        # A batch makes thousands of objects that soon go again: look for garbage less often, and not among what stays.
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 20, 100)
        yield
        for task in by_itself:
            task.cancel()
        await state.runner.finish()
        state.started.service.close()

    app = FastAPI(title="Rowferry", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.rowferry = state
    app.openapi = lambda: describe_api(app)  # type: ignore[method-assign]  # as FastAPI's manual says
    problems.install(app)
    for part in (full_bulk_insert, batch_transactions, loads, backups, restore_table, tables):
        app.include_router(part.router, dependencies=[Depends(refuse_unknown_parameters)])
    has_reports = reports.install(app, service)
    app.include_router(health.router)
    pages.install(app, with_reports=has_reports)
    framework = app.build_middleware_stack
    hosts = service.settings.hosts.split(",")
    app.build_middleware_stack = lambda: ObservedRequests(CsrfAndHostCheck(HeadRequests(framework()), hosts))  # type: ignore[method-assign]
    return app
