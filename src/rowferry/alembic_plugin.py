"""A plugin of Alembic, which finds it by itself: autogenerate proposes nothing for the tables of Rowferry's ledger.

They are in the database and in nobody's models, so that Alembic would propose to drop them.
"""

from typing import TYPE_CHECKING, Any

from alembic.util import DispatchPriority, PriorityDispatchResult  # Alembic is just being imported: no more is there

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import UpgradeOps
    from alembic.runtime.plugins import Plugin

_PREFIX = "rowferry_"


def is_ledger(schema: str | None, table: str | None) -> bool:
    """Whether a table is one of Rowferry's own: by its schema in PostgreSQL, by its name in SQLite."""
    return schema == "rowferry" or (schema or table or "").startswith(_PREFIX)


def setup(plugin: "Plugin") -> None:
    """Look at what was found once everything else has."""
    plugin.add_autogenerate_comparator(_pass_over, "autogenerate", priority=DispatchPriority.LAST)


def _pass_over(context: "AutogenContext", found: "UpgradeOps") -> PriorityDispatchResult:
    declared = {(table.schema, table.name) for table in context.sorted_tables}
    found.ops[:] = [each for each in found.ops if not _is_passed_over(each, declared)]
    return PriorityDispatchResult.CONTINUE


def _is_passed_over(operation: Any, declared: set[tuple[str | None, str]]) -> bool:
    schema, table = getattr(operation, "schema", None), getattr(operation, "table_name", None)
    return is_ledger(schema, table) and (schema, table) not in declared
