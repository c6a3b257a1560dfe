"""Notes on what no backup of a table has, so that no restore brings it back: columns, and where rows lie."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from rowferry.backends.protocol import Backend
from rowferry.dictionary.rules import TableRules


@dataclass(frozen=True)
class Unsaved:
    """Columns that classes lack, and tables that inherit from others, by the key of the table."""

    columns: Mapping[str, Sequence[str]]
    heirs: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, backend: Backend, connection: Connection, rules: Iterable[TableRules]) -> Self:
        """What a database has of it."""
        tables = [each.table for each in rules]
        return cls(backend.unknown(connection, tables), backend.heirs(connection, tables))

    def notes_of_backup(self, rules: TableRules) -> tuple[str, ...]:
        """Notes on the backup of a table."""
        return tuple(self._notes(rules, "the backup does", "the backup also contains", "a restore adds"))

    def notes_of_restore(self, rules: TableRules, added: int) -> list[str]:
        """Notes on a restore that adds so many rows, or would."""
        return self._notes(rules, "backups do", "backups also contain", "are added") if added else []

    def _notes(self, rules: TableRules, lacks: str, has: str, come: str) -> list[str]:
        columns, heirs = (", ".join(found.get(rules.table.key, ())) for found in (self.columns, self.heirs))
        filled = f"rows that {come} have what the database puts there"
        placed = f"rows that {come} go into {rules.name} itself, unless a trigger puts them elsewhere"
        notes = [
            columns and f"{lacks} not contain {columns}, which the class of the table lacks; {filled}",
            heirs and f"{has} the rows of {heirs}, without columns of their own; {placed}",
        ]
        return [note for note in notes if note]
