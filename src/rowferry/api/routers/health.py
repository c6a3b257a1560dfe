"""Whether the service is alive, and able to work."""

from fastapi import APIRouter

from rowferry.api.answers import Health
from rowferry.api.openapi import problems
from rowferry.api.state import State

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
