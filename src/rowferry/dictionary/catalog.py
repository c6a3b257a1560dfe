"""The tables that are served: found by name, and in load order (parents first)."""

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from sqlalchemy import MetaData

from rowferry.dictionary.avro_schema import avro_name
from rowferry.dictionary.rules import TableRules, alike, load_order, rules_of
from rowferry.errors import ModelsUnusable, TableUnknown


class Catalog:
    """The rules of every table of one MetaData, in load order."""

    def __init__(self, metadata: MetaData, docs: Mapping[str, str] | None = None) -> None:
        self.metadata = metadata
        rules = {table.name: rules_of(table, (docs or {}).get(table.name, "")) for table in metadata.tables.values()}
        self._tables = {name: rules[name] for name in load_order(metadata.tables.values())}
        for table in self:
            if same := alike(table.names, avro_name):
                raise LookupError(f"{table.name}: the columns {same} would have the same name in backups")

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


def load_catalog(module: str) -> Catalog:
    """The catalog of the SQLAlchemy tables that a module holds; ModelsUnusable if it holds none that can be served."""
    try:
        found = _import(module)
        return Catalog(_metadata(found), _docs(found))
    except ImportError as error:
        raise ModelsUnusable(module=module, reason=str(error)) from error
    except LookupError as error:
        raise ModelsUnusable(module=module, reason=str(error.args[0])) from error


def _import(module: str) -> ModuleType:
    # A module of a user's own is looked for in the current folder too, but last: a file there hides no library.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return importlib.import_module(module)
    except ImportError:
        raise
    except Exception as error:  # whatever the code of a user's module raises
        raise ModelsUnusable(module=module, reason=f"{type(error).__name__}: {error}") from error


def _metadata(module: object) -> MetaData:
    for value in vars(module).values():
        candidate = getattr(value, "metadata", None)
        if isinstance(candidate, MetaData) and candidate.tables:
            return candidate
    raise LookupError("no SQLAlchemy table found")


def _docs(module: object) -> dict[str, str]:
    """What the classes of a module say about their tables; what they inherit says nothing about them."""
    classes = [value for value in vars(module).values() if inspect.isclass(value) and hasattr(value, "__table__")]
    return {found.__table__.name: inspect.cleandoc(found.__doc__ or "") for found in classes}
