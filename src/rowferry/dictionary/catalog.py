"""The tables that are served: found by name, and in load order (parents first)."""

from collections.abc import Iterator

from rowferry.dictionary.avro_schema import avro_name
from rowferry.dictionary.declared import Declared, declared_at
from rowferry.dictionary.foreign_keys import referred_columns
from rowferry.dictionary.load_order import load_order
from rowferry.dictionary.rules import TableRules, alike, rules_of
from rowferry.errors import TableUnknown, models_unusable


class Catalog:
    """The rules of every table that is served, in load order; `classes` are those of the tables, by their keys."""

    def __init__(self, declared: Declared, dialect: str = "") -> None:
        """Derive the rules, for databases of a dialect.

        Raises:
            LookupError: Tables cannot be served; its arguments are the reasons, those of all tables.
        """
        self.metadata = metadata = declared.metadata
        self.classes = declared.classes
        referred = referred_columns(metadata)
        rules: dict[str, TableRules] = {}
        faults: list[str] = []
        for table in metadata.tables.values():
            try:
                rules[table.key] = rules_of(table, declared.doc(table), dialect, referred)
            except LookupError as error:
                faults += error.args
            if same := alike((column.name for column in table.columns), avro_name):
                faults.append(
                    f"{table.key}: the columns {same} would have the same name in backups; rename one of them"
                )
        if faults:
            raise LookupError(*faults)
        self._tables = {name: rules[name] for name in load_order(metadata.tables.values())}

    def __iter__(self) -> Iterator[TableRules]:
        return iter(self._tables.values())

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    @property
    def names(self) -> list[str]:
        return list(self._tables)

    def table(self, name: str) -> TableRules:
        """The rules of one table; TableUnknown if there is no such table."""
        try:
            return self._tables[name]
        except KeyError:
            raise TableUnknown(table=name, names=", ".join(self.names)) from None


def load_catalog(models: str, dialect: str = "") -> Catalog:
    """The catalog of the SQLAlchemy tables that a module declares, for databases of a dialect.

    Raises:
        ModelsUnusable: It has none that can be served.
    """
    try:
        return Catalog(declared_at(models), dialect)
    except LookupError as error:
        raise models_unusable(models, error.args) from error
