"""The rules of a table in words, for people and programs."""

from typing import Any

from rowferry.dictionary.rules import ColumnRule, TableRules


def describe(rules: TableRules) -> dict[str, Any]:
    """Everything that is asked of the rows of a table."""
    references = {r.column: {"table": r.parent, "column": r.target} for r in rules.references}
    return {
        "name": rules.name,
        "doc": rules.doc,
        "key": list(rules.key),
        "columns": [_describe_column(column, rules, references) for column in rules.columns],
        "checks": [{"name": check.name, "condition": check.sql} for check in rules.checks],
    }


def _describe_column(column: ColumnRule, rules: TableRules, references: dict[str, Any]) -> dict[str, Any]:
    reference = references.get(column.name)
    words = ["required" if column.required else "optional"]
    if column.name in rules.key:
        words.insert(0, "primary key" if len(rules.key) == 1 else "part of the primary key")
    if reference:
        words.append(f"references {reference['table']}.{reference['column']}")
    length = f", 1..{column.max_length}" if column.max_length else ""
    return {
        "name": column.name,
        "type": column.kind.name + length,
        "required": column.required,
        "max_length": column.max_length,
        "minimum": column.bounds[0] if column.bounds else None,
        "maximum": column.bounds[1] if column.bounds else None,
        "references": reference,
        "rule": ", ".join(words),
        "doc": column.doc,
    }
