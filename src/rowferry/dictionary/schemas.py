"""The schemas of the rows and batches that the API takes, for its documentation; the judge, not they, judges rows."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic_core import to_jsonable_python

from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.kinds.texts import Text

Schema = dict[str, Any]

BATCH = "BatchTransaction"

_DESCRIPTION = (
    "1 to 1000 rows in total, for any tables; they may refer to each other. Integers and dates may be sent as text."
)
_MOST_ROWS = 1000


def batch_schemas(catalog: Catalog, taken: Collection[str] = ()) -> dict[str, Schema]:
    """The JSON schemas of a batch and of the rows of each table, by their names, as OpenAPI refers to them.

    No row has a name that is `taken`.
    """
    names = row_names(catalog, {BATCH, *taken})
    rows = {rules.name: _row_schema(rules, names[rules.name]) for rules in catalog}
    properties = {name: _rows_schema(name, names[name], row["description"]) for name, row in rows.items()}
    example = {name: row["examples"] for name, row in rows.items()}
    batch = {**_head(BATCH, _DESCRIPTION, properties, example), "minProperties": 1}
    return {BATCH: batch, **{names[name]: rows[name] for name in sorted(rows, key=names.__getitem__)}}


def row_names(catalog: Catalog, taken: Collection[str] = ()) -> Mapping[str, str]:
    """What the rows of each table are called: as its class, if it has one, led by its schema if others are called so.

    Nothing else is called as one of them is.
    """
    classes = {name: of.__name__ for name, of in catalog.classes.items()}
    given = {rules.name: classes.get(rules.name) or _in_capitals(rules.table.name) or "Row" for rules in catalog}
    times = Counter(given.values())
    found: dict[str, str] = {}
    used = set(taken)
    for rules in catalog:
        name = given[rules.name]
        if times[name] > 1 and rules.table.schema:
            name = re.sub(r"[\W_]+", "", rules.table.schema.title()) + name
        name = re.sub(r"[^A-Za-z0-9.\-_]", "_", name)  # OpenAPI takes no other letters
        while name in used:
            name += "_"
        used.add(name)
        found[rules.name] = name
    return found


def _in_capitals(name: str) -> str:
    return name.title().replace("_", "")


def _row_schema(rules: TableRules, name: str) -> Schema:
    given = [rules.by_name[column] for column in rules.given]
    example = {column.name: _example(rules, column) for column in given}
    properties = {column.name: _column_schema(rules, column) for column in given}
    required = [column.name for column in given if column.required and not column.default]
    found = _head(name, rules.doc or f"A row of {rules.name}.", properties, example)
    return {**found, "required": required} if required else found


def _rows_schema(table: str, name: str, description: str) -> Schema:
    items = {"$ref": f"#/components/schemas/{name}"}
    head = {"type": "array", "title": _title(table), "description": description}
    return {**head, "items": items, "maxItems": _MOST_ROWS}


def _head(name: str, description: str, properties: Schema, example: Schema) -> Schema:
    head = {"type": "object", "title": name, "description": description}
    shape = {"properties": properties, "additionalProperties": False}
    return {**head, **shape, "examples": [to_jsonable_python(example)]}


def _column_schema(rules: TableRules, column: ColumnRule) -> Schema:
    limits: dict[str, Any] = dict(column.kind.json_limits)
    if column.bounds:
        limits |= {"ge": column.bounds[0], "le": column.bounds[1]}
    if isinstance(column.kind, Text):
        limits |= {"min_length": 1, "max_length": column.max_length}
    references = next((f"{r.parent}.{r.targets[0]}" for r in rules.references if r.columns == (column.name,)), "")
    doc = f"{column.doc} (in {references})" if references else column.doc
    meaning = {"title": _title(column.name), "description": doc, "examples": [_example(rules, column)]}
    default = {} if column.required else {"default": None}
    of_type = _of_type(column.kind.json_schema, column.required, tuple(limits.items()))
    return {**of_type, **default, **to_jsonable_python(meaning)}


@cache
def _of_type(annotation: Any, required: bool, limits: tuple[tuple[str, Any], ...]) -> Schema:
    """What Pydantic says of a type; a thousand columns have a dozen of them."""
    wanted: Any = Annotated[annotation if required else annotation | None, Field(**dict(limits))]
    return TypeAdapter(wanted).json_schema()


def _title(name: str) -> str:
    return name.title().replace("_", " ").strip()


def _example(rules: TableRules, column: ColumnRule) -> Any:
    """What the model gives as an example of a column (`info={"example": …}`), or else any value of its kind."""
    return rules.table.columns[column.name].info.get("example", column.kind.example)
