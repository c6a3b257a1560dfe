"""Whether a table in a database has the columns of its model."""

from sqlalchemy import Table

from rowferry.errors import SchemaDiffers


def require_columns(table: Table, found: set[str] | None) -> None:
    """Raise SchemaDiffers if the table is missing, which None stands for, or has other columns than the model."""
    if found is None:
        raise SchemaDiffers(table=table.name, reason="it does not exist")
    wanted = {column.name for column in table.columns}
    lacking, surplus = (", ".join(sorted(some)) for some in (wanted - found, found - wanted))
    if differing := [f"it {has} {names}" for has, names in (("lacks", lacking), ("also has", surplus)) if names]:
        raise SchemaDiffers(table=table.name, reason="; ".join(differing))
