"""A plugin of Alembic, which finds it by itself: autogenerate proposes nothing for the tables of Rowferry's ledger.

They are in the database and in nobody's models, so that Alembic would propose to drop them.
"""

from typing import TYPE_CHECKING, Any

from rowferry import lazy

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from alembic.operations.ops import UpgradeOps
    from alembic.runtime.plugins import Plugin

if TYPE_CHECKING:  # this is imported while Alembic is
    from alembic import util
else:
    util = lazy.module("alembic.util")

_PREFIX = "rowferry_"


def is_ledger(schema: str | None, table: str | None) -> bool:
    """Whether a table is one of Rowferry's own: by its schema in PostgreSQL, by its name in SQLite."""
    return schema == "rowferry" or (schema or table or "").startswith(_PREFIX)


def setup(plugin: "Plugin") -> None:
    """Look at what was found once everything else has."""
    plugin.add_autogenerate_comparator(_pass_over, "autogenerate", priority=util.DispatchPriority.LAST)


def _pass_over(context: "AutogenContext", found: "UpgradeOps") -> "util.PriorityDispatchResult":
    declared = {(table.schema, table.name) for table in context.sorted_tables}
    found.ops[:] = [each for each in found.ops if not _is_passed_over(each, declared)]
    return util.PriorityDispatchResult.CONTINUE


def _is_passed_over(operation: Any, declared: set[tuple[str | None, str]]) -> bool:
    schema, table = getattr(operation, "schema", None), getattr(operation, "table_name", None)
    return is_ledger(schema, table) and (schema, table) not in declared
