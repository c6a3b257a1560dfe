"""Whether a table in a database has the columns of its model."""

from sqlalchemy import Engine, Table, inspect
from sqlalchemy.exc import NoSuchTableError

from rowferry.errors import SchemaDiffers


def require_columns(engine: Engine, table: Table) -> None:
    """Raise SchemaDiffers if the database's table is missing, or has other columns than the model."""
    try:
        found = {column["name"] for column in inspect(engine).get_columns(table.name, schema=table.schema)}
    except NoSuchTableError:
        raise SchemaDiffers(table=table.name, reason="it does not exist") from None
    wanted = {column.name for column in table.columns}
    if lacking := sorted(wanted - found):
        raise SchemaDiffers(table=table.name, reason=f"it lacks {', '.join(lacking)}")
    if surplus := sorted(found - wanted):
        raise SchemaDiffers(table=table.name, reason=f"it also has {', '.join(surplus)}")
