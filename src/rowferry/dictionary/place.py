"""Where the tables of the ledger are in a database, so that they take no name from the tables of others."""

from dataclasses import dataclass

PLACE = "rowferry_place"
"""By this name, a connection knows the place in its notes (`Connection.info`)."""

PREFIX = "rowferry_"
"""What our names begin with, where they stand among those of others."""


def is_of_ledger(schema: str) -> bool:
    """Whether a schema has, or may have, the name of one of ours."""
    return f"{schema}_".lower().startswith(PREFIX)


@dataclass(frozen=True)
class Place:
    """A schema of its own, or else a prefix; `home` is the schema where programs before had the same tables."""

    schema: str | None
    prefix: str = ""
    home: str | None = None


BESIDE = Place(schema=None, prefix=PREFIX)
"""The place in a database that has no schemas."""
