"""Drafts the tables of a database that exists, as its own catalog describes them."""

import warnings
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedColumn

from rowferry.drafts.draft import Draft, DraftTable, Faults, Part
from rowferry.drafts.expressions import plain
from rowferry.errors import TableUnknown

_Found = Mapping[tuple[str | None, str], Any]


def draft_of_database(
    connection: sa.Connection, faults: Faults, taken: Collection[str], schema: str | None, only: Collection[str]
) -> Draft:
    """The tables of a schema, or `only` some of them, without those whose names are `taken` by Rowferry's own.

    What the rules refuse is left out, and named in the notes of the draft.

    Raises:
        TableUnknown: The database has no table of such a name.
    """
    inspector = sa.inspect(connection)
    names = [name for name in sorted(inspector.get_table_names(schema)) if name.lower() not in taken]
    if unknown := [name for name in only if name not in names]:
        raise TableUnknown(table=unknown[0], names=", ".join(names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # of types that are not known, which the rules name
        draft = _Reflection(inspector, schema, [name for name in names if not only or name in only]).draft()
    draft.keep_what_is_served(faults)
    return draft


class _Reflection:
    """What the database knows of some tables, read at once for all of them."""

    def __init__(self, inspector: sa.Inspector, schema: str | None, names: list[str]) -> None:
        self._names, self._schema = names, schema
        # Whether an integer key alone makes the database count, as a table of SQLite does.
        self._counts = inspector.dialect.name == "sqlite"
        asked = {"schema": schema, "filter_names": names}
        self._columns: _Found = inspector.get_multi_columns(**asked) if names else {}  # type: ignore[arg-type]
        self._keys: _Found = inspector.get_multi_pk_constraint(**asked) if names else {}  # type: ignore[arg-type]
        self._references: _Found = inspector.get_multi_foreign_keys(**asked) if names else {}  # type: ignore[arg-type]
        self._unique: _Found = inspector.get_multi_unique_constraints(**asked) if names else {}  # type: ignore[arg-type]
        self._checks: _Found = inspector.get_multi_check_constraints(**asked) if names else {}  # type: ignore[arg-type]
        self._indexes: _Found = inspector.get_multi_indexes(**asked) if names else {}  # type: ignore[arg-type]
        self._comments: _Found = _comments(inspector, asked) if names else {}

    def draft(self) -> Draft:
        """All tables, with all that the database says of them."""
        draft = Draft([self._table(name) for name in self._names])
        for table in draft.tables:
            draft.parts += self._parts(draft, table.key, table.name)
        return draft

    def _of(self, found: _Found, name: str) -> Any:
        return found.get((self._schema, name))

    def _table(self, name: str) -> DraftTable:
        described = self._of(self._columns, name) or []
        key = (self._of(self._keys, name) or {}).get("constrained_columns", [])
        doc = (self._of(self._comments, name) or {}).get("text") or ""
        return DraftTable(name, lambda: [self._column(each, key) for each in described], self._schema, doc)

    def _column(self, found: ReflectedColumn, key: list[str]) -> sa.Column[Any]:
        """A column; the database counts where it says so, and nowhere else."""
        extra: list[Any] = []
        if "computed" in found:
            extra.append(sa.Computed(**found["computed"]))
        if "identity" in found:
            extra.append(sa.Identity(always=bool(found["identity"].get("always"))))
        default = found.get("default") if not extra else None
        is_key = found["name"] in key
        counts = self._counts or bool(extra) or default is not None
        alone = is_key and len(key) == 1 and not counts and isinstance(found["type"], sa.Integer)
        return sa.Column(
            found["name"],
            self._type(found),
            *extra,
            primary_key=is_key,
            nullable=found["nullable"] and not is_key,
            server_default=sa.text(default) if default is not None else None,
            comment=found.get("comment"),
            autoincrement=False if alone else "auto",
        )

    def _type(self, found: ReflectedColumn) -> Any:
        """Its type; an INTEGER of SQLite has 64 bits."""
        return sa.BigInteger() if self._counts and type(found["type"]) is sa.INTEGER else plain(found["type"])

    def _parts(self, draft: Draft, table: str, name: str) -> list[Part]:
        parts = []
        for each in _in_order(self._of(self._references, name)):
            columns, targets = each["constrained_columns"], each["referred_columns"]
            schema = each["referred_schema"]
            parent = f"{schema}.{each['referred_table']}" if schema else each["referred_table"]
            parts.append(_reference(table, columns, parent, targets, each["name"]))
        parts += [_unique(table, each) for each in _in_order(self._of(self._unique, name))]
        parts += [_check(table, each) for each in _in_order(self._of(self._checks, name))]
        for each in _in_order(self._of(self._indexes, name)):
            if any(column is None for column in each["column_names"]) or _conditions(each):
                draft.notes.append(f"{table}: the index {each['name']} is left to the database: it has an expression")
            elif "duplicates_constraint" not in each:
                parts.append(_index(table, each))
        return parts


def _comments(inspector: sa.Inspector, asked: dict[str, Any]) -> _Found:
    return inspector.get_multi_table_comment(**asked) if inspector.dialect.supports_comments else {}


def _in_order(found: Any) -> list[Any]:
    return sorted(found or [], key=lambda each: (each.get("constrained_columns") or [], each["name"] or "", str(each)))


def _conditions(index: Any) -> bool:
    return any(option.endswith("_where") and value for option, value in index.get("dialect_options", {}).items())


def _reference(table: str, columns: list[str], parent: str, targets: list[str], name: str | None) -> Part:
    words = f"the reference of {', '.join(columns)} to {parent}"
    full = [f"{parent}.{target}" for target in targets]
    return Part(table, words, lambda: sa.ForeignKeyConstraint(columns, full, name=name), parent)


def _unique(table: str, found: Any) -> Part:
    columns, name = found["column_names"], found["name"]
    return Part(table, f"the unique {', '.join(columns)}", lambda: sa.UniqueConstraint(*columns, name=name))


def _check(table: str, found: Any) -> Part:
    sql, name = found["sqltext"], found["name"]
    return Part(table, f"the check {name or sql}", lambda: sa.CheckConstraint(sql, name=name))


def _index(table: str, found: Any) -> Part:
    columns, name, unique = found["column_names"], found["name"], bool(found["unique"])
    return Part(table, f"the index {name}", lambda: sa.Index(name, *columns, unique=unique))
