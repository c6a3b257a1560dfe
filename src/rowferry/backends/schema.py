"""Whether a table in a database has the columns of its model."""

from sqlalchemy import Table

from rowferry.errors import SchemaDiffers


def require_columns(table: Table, found: set[str] | None) -> None:
    """Raise SchemaDiffers if the table is missing, which None stands for, or has other columns than the model."""
    if found is None:
        raise SchemaDiffers(table=table.name, reason="it does not exist")
    wanted = {column.name for column in table.columns}
    if lacking := sorted(wanted - found):
        raise SchemaDiffers(table=table.name, reason=f"it lacks {', '.join(lacking)}")
    if surplus := sorted(found - wanted):
        raise SchemaDiffers(table=table.name, reason=f"it also has {', '.join(surplus)}")
