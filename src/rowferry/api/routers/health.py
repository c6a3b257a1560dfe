"""Whether the service is alive, and able to work."""

from fastapi import APIRouter
from fastapi.responses import Response

from rowferry.api.answers import Health
from rowferry.api.openapi import problems
from rowferry.api.state import State
from rowferry.errors import DatabaseUnavailable, DiskFull
from rowferry.observers.metrics import MEDIA_TYPE, metrics_text
from rowferry.operations.lost_backups import open_backups
from rowferry.settings import shared_metrics_folder

router = APIRouter(tags=["health"])


@router.get("/livez", operation_id="livez")
async def livez() -> Health:
    """Check that the process is alive; this says nothing about the database."""
    return Health(status="alive")


@router.get("/readyz", operation_id="readyz", responses=problems(503))
def readyz(state: State) -> Health:
    """Check whether the service is able to work.

    It is if the database can be reached, its tables match the models, and every folder that existed is usable and has
    space: those of the database, BACKUP_DIR, DATA_DIR, LOG_DIR and TMPDIR.
    """
    try:
        state.started.check()
    except DiskFull as error:
        raise DatabaseUnavailable(reason=error.message) from error  # which has room no more, for the time being
    service = state.started.service
    open_backups(service.backend, service.settings.backup_dir)
    state.folders.check()
    return Health(status="ready")


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"description": "Metrics as text", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics() -> Response:
    """Return metrics for Prometheus: requests, operations, rows and durations of this service."""
    return Response(metrics_text(shared_metrics_folder()), media_type=MEDIA_TYPE)
