"""The tables that are served: found by name, and in load order (parents first)."""

import inspect
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

from sqlalchemy import MetaData

from rowferry.dictionary.avro_schema import avro_name
from rowferry.dictionary.rules import TableRules, alike, load_order, rules_of
from rowferry.errors import TableUnknown, models_unusable


class Catalog:
    """The rules of every table of one MetaData, in load order."""

    def __init__(self, metadata: MetaData, docs: Mapping[str, str] | None = None, dialect: str = "") -> None:
        """Derive the rules, for databases of a dialect.

        Raises:
            LookupError: Tables cannot be served; its arguments are the reasons, those of all tables.
        """
        self.metadata = metadata
        rules: dict[str, TableRules] = {}
        faults: list[str] = []
        for table in metadata.tables.values():
            try:
                rules[table.name] = rules_of(table, (docs or {}).get(table.name, ""), dialect)
            except LookupError as error:
                faults += error.args
            if same := alike((column.name for column in table.columns), avro_name):
                faults.append(
                    f"{table.name}: the columns {same} would have the same name in backups; rename one of them"
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


def load_catalog(module: str, dialect: str = "") -> Catalog:
    """The catalog of the SQLAlchemy tables that a module holds, for databases of a dialect.

    Raises:
        ModelsUnusable: It holds none that can be served.
    """
    try:
        found = import_models(module)
        return Catalog(_metadata(found), _docs(found), dialect)
    except ImportError as error:
        raise models_unusable(module, [str(error)]) from error
    except LookupError as error:
        raise models_unusable(module, error.args) from error


def import_models(module: str) -> ModuleType:
    """The module that defines the tables, which may be a user's own; ModelsUnusable if its code raises anything."""
    # A module of a user's own is looked for in the current folder too, but last: a file there hides no library.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return import_module(module)
    except ImportError:
        raise
    except Exception as error:  # whatever the code of a user's module raises
        raise models_unusable(module, [f"{type(error).__name__}: {error}"]) from error


def _metadata(module: object) -> MetaData:
    candidates = (getattr(value, "metadata", None) for value in vars(module).values())
    found = {id(metadata): metadata for metadata in candidates if isinstance(metadata, MetaData) and metadata.tables}
    if not found:
        raise LookupError("no SQLAlchemy table found")
    if len(found) > 1:
        groups = " and ".join(", ".join(metadata.tables) for metadata in found.values())
        hint = "use the same one for all tables, and import no others"
        raise LookupError(f"it has {len(found)} MetaData or declarative bases, one with {groups}; {hint}")
    return next(iter(found.values()))


def _docs(module: object) -> dict[str, str]:
    """What the classes of a module say about their tables; what they inherit says nothing about them."""
    classes = [value for value in vars(module).values() if inspect.isclass(value) and hasattr(value, "__table__")]
    return {found.__table__.name: inspect.cleandoc(found.__doc__ or "") for found in classes}
