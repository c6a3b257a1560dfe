"""The order in which rows get into tables, and tables that refer to each other in a circle.

`departments.head` may refer to `employees`, and `employees.department` to `departments`: neither table has all its
parents before it. They stand side by side in an order in which rows can go in: where a foreign key leads to a table
that comes later, it has a column that may be null until then, or is checked later (`DEFERRABLE`).
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from sqlalchemy import ForeignKeyConstraint, Table

Node = TypeVar("Node", bound=Hashable)


def load_order(tables: Iterable[Table]) -> list[str]:
    """The names of tables, parents first, those of a circle side by side; the same in every process.

    Raises:
        LookupError: Tables refer to each other in a circle in which no row could ever be the first.
    """
    by_name = {table.key: table for table in sorted(tables, key=lambda table: table.key)}
    parents = {name: _sorted_names(_parents(table) - {table}) for name, table in by_name.items()}
    try:
        return list(TopologicalSorter(parents).static_order())
    except CycleError:
        circles = {circle[0]: circle for circle in _circles(parents)}
    first_of = {name: first for first, circle in circles.items() for name in circle}
    of_circles = {
        first: sorted({first_of[parent] for name in circle for parent in parents[name]} - {first})
        for first, circle in circles.items()
    }
    found = TopologicalSorter(of_circles).static_order()
    return [name for first in found for name in _order_within([by_name[name] for name in circles[first]])]


def closure(first: Node, parents: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """Everything that can be reached from a node, by way of others, too; the node itself only if they lead back."""
    found: set[Node] = set()
    waiting = [first]
    while waiting:
        new = set(parents(waiting.pop())) - found
        found |= new
        waiting += new
    return found


def circle_of(table: Table) -> frozenset[str]:
    """The names of the tables of the circle that a table is in, its own among them; none if nothing leads back."""
    found = closure(table, _parents)
    back = (other for other in found if table in closure(other, _parents)) if table in found else ()
    return frozenset(other.key for other in back)


def _circles(parents: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """The names of each circle, sorted; a table that is in none is a circle of itself alone."""
    reached = {name: {name} | closure(name, parents.__getitem__) for name in parents}
    seen: set[str] = set()
    for name in parents:
        if name not in seen:
            circle = sorted(other for other in reached[name] if name in reached[other])
            seen.update(circle)
            yield circle


def _order_within(circle: list[Table]) -> list[str]:
    """The tables of one circle, each behind those whose rows have to be there before its own."""
    hard = {
        table.key: _sorted_names(
            key.referred_table
            for key in table.foreign_key_constraints
            if key.referred_table in circle and key.referred_table is not table and not _waits(key)
        )
        for table in circle
    }
    try:
        return list(TopologicalSorter(hard).static_order())
    except CycleError as error:
        *names, _ = error.args[1]
        raise LookupError(
            f"tables refer to each other in a circle, {', '.join(sorted(names))}, by columns that are never null, so "
            "that no row can ever be the first; let one of these columns be null, or make its foreign key DEFERRABLE"
        ) from error


def _waits(key: ForeignKeyConstraint) -> bool:
    """Whether a row may be there before the row that it refers to."""
    return bool(key.deferrable) or any(column.nullable and not column.primary_key for column in key.columns)


def _parents(table: Table) -> set[Table]:
    return {key.column.table for key in table.foreign_keys}


def _sorted_names(tables: Iterable[Table]) -> list[str]:
    return sorted(table.key for table in tables)
