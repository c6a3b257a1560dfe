"""Replies to requests with an idempotency key: as long as one is kept, the request is not done again."""

from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, tuple_

from rowferry.ledger.tables import here, idempotent_replies
from rowferry.ledger.witnessed import witnessed_seconds


def find_replies(connection: Connection, key: str, route: str) -> list[dict[str, Any]]:
    """What was answered to requests with this key, however long ago."""
    table = here(connection, idempotent_replies)
    chosen = table.c
    query = select(table).where(chosen.key == key, chosen.route == route)
    return [dict(row) for row in connection.execute(query).mappings()]


def keep_reply(connection: Connection, **values: Any) -> None:
    """Keep what is answered to a request."""
    connection.execute(
        insert(here(connection, idempotent_replies)).values(kept_at=witnessed_seconds(connection), **values)
    )


def has_replies(connection: Connection) -> bool:
    """Whether any reply is kept."""
    return bool(connection.scalar(select(exists().select_from(here(connection, idempotent_replies)))))


def forget_replies(connection: Connection, seconds: int, most: int) -> int:
    """Forget replies since which so many seconds were witnessed, the oldest first; how many, `most` of them at most."""
    table = here(connection, idempotent_replies)
    chosen = table.c
    due = select(chosen.key, chosen.route, chosen.request_sha256)
    due = due.where(chosen.kept_at <= witnessed_seconds(connection) - seconds).order_by(chosen.kept_at).limit(most)
    named = tuple_(chosen.key, chosen.route, chosen.request_sha256)
    return connection.execute(delete(table).where(named.in_(due))).rowcount
