"""The rules of a table in words, for people and programs."""

from typing import Any

import pyarrow as pa

from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.kinds.choices import Choice


def describe(rules: TableRules) -> dict[str, Any]:
    """Everything that is asked of the rows of a table."""
    return {
        "name": rules.name,
        "doc": rules.doc,
        "key": list(rules.key),
        "columns": [_describe_column(column, rules) for column in rules.columns],
        "checks": [{"name": check.name, "condition": check.sql} for check in rules.checks],
    }


def _describe_column(column: ColumnRule, rules: TableRules) -> dict[str, Any]:
    references = [reference for reference in rules.references if column.name in reference.columns]
    words = ["required" if column.required else "optional"]
    if column.name in rules.key:
        words.insert(0, "primary key" if len(rules.key) == 1 else "part of the primary key")
    if column.default and column.required:
        words.append(f"may be left out ({column.default.words})")
    words += [_refers(column, reference) for reference in references]
    words += [_unique(column, others) for others in rules.unique if column.name in others]
    return {
        "name": column.name,
        "type": column.kind.name + _size(column),
        "required": column.required,
        "may_be_left_out": column.default is not None,
        "max_length": column.max_length,
        "minimum": column.bounds[0] if column.bounds else None,
        "maximum": column.bounds[1] if column.bounds else None,
        "references": next(map(_target, (each for each in references if each.column)), None),
        "rule": ", ".join(words),
        "doc": column.doc,
    }


def _target(reference: Reference) -> dict[str, str]:
    return {"table": reference.parent, "column": reference.targets[0]}


def _refers(column: ColumnRule, reference: Reference) -> str:
    target = dict(zip(reference.columns, reference.targets, strict=True))[column.name]
    others = [name for name in reference.columns if name != column.name]
    return f"references {reference.parent}.{target}" + (f" together with {', '.join(others)}" if others else "")


def _size(column: ColumnRule) -> str:
    """How long a text may be, or how many digits a decimal has, in all and behind its point."""
    if pa.types.is_decimal(column.arrow):
        return f"({column.arrow.precision},{column.arrow.scale})"
    if isinstance(column.kind, Choice):
        return f" of {', '.join(column.kind.among)}"
    if pa.types.is_binary(column.arrow):
        return f", 0..{column.max_length}" if column.max_length else ""
    return f", 1..{column.max_length}" if column.max_length else ""


def _unique(column: ColumnRule, together: tuple[str, ...]) -> str:
    others = [name for name in together if name != column.name]
    return f"unique together with {', '.join(others)}" if others else "unique"
