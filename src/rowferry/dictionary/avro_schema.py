"""The Avro schema of a table, and its hash."""

import hashlib
import json
import re
from collections.abc import Collection
from typing import Any

from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.kinds.unfit import UnfitError

NAMESPACE = "rowferry"

_NAME_LETTER = re.compile(r"[A-Za-z0-9_]")


def avro_schema(rules: TableRules) -> dict[str, Any]:
    """The record of a table's rows: its columns in order, a plain type where required, else a union with null.

    What the model gives as `info={"avro_aliases": [...]}` of a column are the names it had before: a file that was
    written then is still understood. A default that is a plain value fills in for a field that a file lacks.
    """
    record = {"type": "record", "name": avro_name(rules.name), "namespace": NAMESPACE}
    if rules.doc:
        record["doc"] = rules.doc
    return {**record, "fields": [_field(rules, column) for column in rules.columns]}


def avro_name(name: str) -> str:
    """A name as Avro takes it: anything but letters of ASCII, digits and _ is spelled as its number, in hexadecimal."""
    spelled = "".join(letter if _NAME_LETTER.match(letter) else f"_x{ord(letter):x}_" for letter in name)
    return f"_{spelled}" if spelled[:1].isdigit() else spelled


def aliases_of(rules: TableRules, column: ColumnRule) -> tuple[str, ...]:
    """The names that a column had before, the newest first."""
    return tuple(rules.table.columns[column.name].info.get("avro_aliases", ()))


def names_in_files(rules: TableRules, column: ColumnRule) -> list[str]:
    """The names that the field of a column may have in a file, the likeliest first."""
    names = [column.name, *aliases_of(rules, column)]
    return [*map(avro_name, names), *names]


def found_in_file(rules: TableRules, column: ColumnRule, names: Collection[str]) -> list[str]:
    """Which of the names of a file's fields stand for a column: one, or all those that differ from it in case only."""
    wanted = names_in_files(rules, column)
    if exact := next((name for name in wanted if name in names), None):
        return [exact]
    folded = {name.casefold() for name in wanted}
    return [name for name in names if name.casefold() in folded]


def default_of(rules: TableRules, column: ColumnRule) -> object:
    """The value that fills in for a required column that a file lacks; None if there is none, or it does not fit."""
    default = rules.table.columns[column.name].default
    if not column.required or default is None or not default.is_scalar:
        return None
    try:
        value = column.kind.parse(column.kind.spell_default(getattr(default, "arg", None)))
    except UnfitError:
        return None
    return value if column.kind.holds(value, column.arrow) else None


def canonical(schema: object) -> str:
    """The one spelling of a schema that its hash is taken of."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def schema_sha256(schema: object) -> str:
    return hashlib.sha256(canonical(schema).encode("utf-8", "surrogatepass")).hexdigest()


def _field(rules: TableRules, column: ColumnRule) -> dict[str, Any]:
    field: dict[str, Any] = {"name": avro_name(column.name)}
    if column.doc:
        field["doc"] = column.doc
    if aliases := aliases_of(rules, column):
        field["aliases"] = [avro_name(alias) for alias in aliases]
    avro = column.kind.avro(column.arrow)
    if isinstance(avro, dict) and avro["type"] == "enum":
        avro = {"type": "enum", "name": f"{avro_name(rules.name)}_{avro_name(column.name)}", **avro}
    if not column.required:
        return {**field, "type": ["null", avro], "default": None}
    default = default_of(rules, column)
    given = {} if default is None else {"default": column.kind.avro_default(default, column.arrow)}
    return {**field, "type": avro, **given}
