"""Whether the service is alive, and able to work."""

from fastapi import APIRouter
from fastapi.responses import Response

from rowferry.api.answers import Health
from rowferry.api.openapi import problems
from rowferry.api.state import State
from rowferry.observers.metrics import MEDIA_TYPE, metrics_text
from rowferry.settings import shared_metrics_folder

router = APIRouter(tags=["health"])


@router.get("/livez", operation_id="livez")
async def livez() -> Health:
    """Say that the process is alive; it says nothing of the database."""
    return Health(status="alive")


@router.get("/readyz", operation_id="readyz", responses=problems(503))
def readyz(state: State) -> Health:
    """Say whether the service is able to work: the database is reached, and its tables are those of the models."""
    state.started.check()
    return Health(status="ready")


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"description": "Metrics as text", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics() -> Response:
    """Give metrics for Prometheus: requests, operations, rows and durations of this service."""
    return Response(metrics_text(shared_metrics_folder()), media_type=MEDIA_TYPE)
