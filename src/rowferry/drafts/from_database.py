"""Drafts the tables of a database that exists, as its own catalog describes them."""

import re
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedColumn

from rowferry.dictionary.place import is_of_ledger
from rowferry.drafts.draft import Draft, DraftTable, Faults, Part, key_of
from rowferry.drafts.expressions import plain, up_to_its_end
from rowferry.errors import OptionInvalid, TableUnknown

_Found = Mapping[tuple[str | None, str], Any]

_VERSIONS = "alembic_version"
"""In which Alembic notes the version of a schema: to restore it would be to say that the schema is another one."""


def draft_of_database(
    connection: sa.Connection, faults: Faults, taken: Collection[str], schemas: Sequence[str], only: Collection[str]
) -> Draft:
    """The tables of some schemas, or of those of the connection, without those whose names are `taken` by our own.

    Of them all, or `only` some of them, which may be named with or without their schema. What the rules refuse is left
    out, and named in the notes of the draft, as are views, and the versions of Alembic unless they are asked for.

    Raises:
        OptionInvalid: The database has no such schema.
        TableUnknown: It has no table of such a name.
    """
    inspector = sa.inspect(connection)
    _require_schemas(inspector, schemas)
    found = {schema: _names(inspector, schema, taken) for schema in schemas or (None,)}
    called = {key_of(schema, name): name for schema, names in found.items() for name in names}
    if unknown := [name for name in only if name not in called and name not in called.values()]:
        raise TableUnknown(table=unknown[0], names=", ".join(called))
    draft = Draft([])
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", sa.exc.SAWarning)  # also of types that are not known, which the rules name
        for schema, names in found.items():
            wanted = [name for name in names if {name, key_of(schema, name)}.intersection(only)]
            if not only:
                wanted = [name for name in names if name != _VERSIONS]
                draft.notes += _left_out(inspector, schema, names, taken)
            _Reflection(inspector, schema, wanted).describe(draft)
    draft.notes += _indexes_passed_over(heard)
    draft.keep_what_is_served(faults)
    return draft


def _names(inspector: sa.Inspector, schema: str | None, taken: Collection[str]) -> list[str]:
    """The names of the tables of a schema, in order; in that of the connection, some are `taken`."""
    return _not_taken(inspector, schema, inspector.get_table_names(schema), taken)


def _not_taken(
    inspector: sa.Inspector, schema: str | None, names: Collection[str], taken: Collection[str]
) -> list[str]:
    is_here = schema in (None, inspector.default_schema_name)
    return [name for name in sorted(names) if not is_here or name.lower() not in taken]


def _left_out(
    inspector: sa.Inspector, schema: str | None, tables: Collection[str], taken: Collection[str]
) -> list[str]:
    """Notes on what is no table, or none of the user's own."""
    views = [*inspector.get_view_names(schema), *_materialized(inspector, schema)]
    notes = [
        f"{key_of(schema, name)} is left out: it is a view, whose key no catalog knows"
        for name in _not_taken(inspector, schema, views, taken)
    ]
    versions = [f"{key_of(schema, _VERSIONS)} is left out: Alembic keeps the version of the schema in it"]
    return notes + (versions if _VERSIONS in tables else [])


def _materialized(inspector: sa.Inspector, schema: str | None) -> list[str]:
    try:
        return inspector.get_materialized_view_names(schema)
    except NotImplementedError:  # SQLite has none
        return []


def _require_schemas(inspector: sa.Inspector, schemas: Collection[str]) -> None:
    there = [name for name in inspector.get_schema_names() if name != "information_schema" and not is_of_ledger(name)]
    for schema in schemas:
        if schema not in there:
            raise OptionInvalid(option="--schema", value=schema, allowed=f"There are {', '.join(there)}.")


class _Reflection:
    """What the database knows of some tables, read at once for all of them."""

    def __init__(self, inspector: sa.Inspector, schema: str | None, names: list[str]) -> None:
        self._names, self._schema = names, schema
        # Whether an integer key alone makes the database count, as a table of SQLite does.
        self._counts = inspector.dialect.name == "sqlite"
        asked = {"schema": schema, "filter_names": names}
        self._columns: _Found = inspector.get_multi_columns(**asked) if names else {}  # type: ignore[arg-type]
        self._keys: _Found = inspector.get_multi_pk_constraint(**asked) if names else {}  # type: ignore[arg-type]
        self._references: _Found = _foreign_keys(inspector, asked) if names else {}
        self._unique: _Found = inspector.get_multi_unique_constraints(**asked) if names else {}  # type: ignore[arg-type]
        self._checks: _Found = inspector.get_multi_check_constraints(**asked) if names else {}  # type: ignore[arg-type]
        self._indexes: _Found = inspector.get_multi_indexes(**asked) if names else {}  # type: ignore[arg-type]
        self._comments: _Found = _comments(inspector, asked) if names else {}

    def describe(self, draft: Draft) -> None:
        """Add all tables, with all that the database says of them."""
        for table in map(self._table, self._names):
            draft.tables.append(table)
            draft.parts += self._parts(draft, table.key, table.name)

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
            sql, persisted = found["computed"]["sqltext"], found["computed"].get("persisted")
            extra.append(sa.Computed(up_to_its_end(sql), persisted=persisted))
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
            parent = key_of(each["referred_schema"], each["referred_table"])
            parts.append(_reference(table, columns, parent, targets, each["name"]))
        parts += [_unique(table, each) for each in _in_order(self._of(self._unique, name))]
        parts += [_check(table, each) for each in _in_order(self._of(self._checks, name))]
        for each in _in_order(self._of(self._indexes, name)):
            if why := _left_to_database(each):
                draft.notes.append(f"{table}: the index {each['name']} is left to the database: it has {why}")
            elif "duplicates_constraint" not in each:
                parts.append(_index(table, each))
        return parts


def _foreign_keys(inspector: sa.Inspector, asked: dict[str, Any]) -> _Found:
    """All foreign keys; those of tables that are drafted with their schema lead to others with theirs.

    The database leaves out the schema of what the path of the connection finds. If SQLAlchemy is asked to put it there,
    it takes the schema of the referring table for that of the connection.
    """
    found: _Found = inspector.get_multi_foreign_keys(**asked)
    if asked["schema"] is None:
        return found
    led: _Found = inspector.get_multi_foreign_keys(**asked, postgresql_ignore_search_path=True)
    for name, keys in found.items():
        for key, other in zip(keys, led[name], strict=True):
            if key["referred_schema"] is None:
                schema = other["referred_schema"]
                key["referred_schema"] = inspector.default_schema_name if schema == asked["schema"] else schema
    return found


def _comments(inspector: sa.Inspector, asked: dict[str, Any]) -> _Found:
    return inspector.get_multi_table_comment(**asked) if inspector.dialect.supports_comments else {}


def _in_order(found: Any) -> list[Any]:
    return sorted(found or [], key=lambda each: (each.get("constrained_columns") or [], each["name"] or "", str(each)))


def _left_to_database(index: Any) -> str:
    """What an index has that is not drafted, if anything."""
    if any(column is None for column in index["column_names"]):
        return "an expression"
    options = index.get("dialect_options", {})
    has_condition = any(name.endswith("_where") and value is not None for name, value in options.items())
    return "a condition" if has_condition else ""


def _indexes_passed_over(heard: Iterable[warnings.WarningMessage]) -> list[str]:
    """Notes of the indexes of which SQLAlchemy only warns, as it does for SQLite, once or several times."""
    found = (re.search(r"expression-based index (.+)", str(warning.message)) for warning in heard)
    names = dict.fromkeys(name[1] for name in found if name)
    return [f"the index {name} is left to the database: it has an expression" for name in names]


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
