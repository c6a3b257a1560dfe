"""The schemas of the rows and batches that the API takes, for its documentation; the judge, not they, judges rows."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.kinds.texts import Text

BATCH = "BatchTransaction"

_DESCRIPTION = (
    "1 to 1000 rows in total, for any tables; they may refer to each other. Integers and dates may be sent as text."
)


def row_models(catalog: Catalog) -> dict[str, type[BaseModel]]:
    """A model for the rows of each table, named as its class, if it has one."""
    return {rules.name: _row_model(rules, catalog.classes.get(rules.table.key)) for rules in catalog}


def batch_model(catalog: Catalog) -> type[BaseModel]:
    """The model of a batch: for each table an array of its rows, and any of them may be left out."""
    rows = row_models(catalog)
    fields: dict[str, Any] = {
        name: (list[model], Field(default_factory=list, max_length=1000, description=model.__doc__))  # type: ignore[valid-type]
        for name, model in rows.items()
    }
    example = {name: model.model_config["json_schema_extra"]["examples"] for name, model in rows.items()}  # type: ignore[index]
    config = ConfigDict(extra="forbid", defer_build=True, json_schema_extra={"minProperties": 1, "examples": [example]})
    return create_model(BATCH, __config__=config, __doc__=_DESCRIPTION, **fields)


def batch_schemas(catalog: Catalog) -> dict[str, Any]:
    """The JSON schemas of a batch and of the rows of each table, by their names, as OpenAPI refers to them."""
    schema = batch_model(catalog).model_json_schema(ref_template="#/components/schemas/{model}")
    rows = schema.pop("$defs", {})
    return {BATCH: schema, **rows}


def _row_model(rules: TableRules, table_class: type | None) -> type[BaseModel]:
    name = table_class.__name__ if table_class else rules.name.title().replace("_", "")
    doc = rules.doc or f"A row of {rules.name}."
    given = [rules.by_name[name] for name in rules.given]
    example = {column.name: _example(rules, column) for column in given}
    config = ConfigDict(extra="forbid", defer_build=True, json_schema_extra={"examples": [example]})
    fields: dict[str, Any] = {column.name: _field(rules, column) for column in given}
    return create_model(name, __config__=config, __doc__=doc, **fields)


def _field(rules: TableRules, column: ColumnRule) -> tuple[Any, Any]:
    limits: dict[str, Any] = dict(column.kind.json_limits)
    if column.bounds:
        limits |= {"ge": column.bounds[0], "le": column.bounds[1]}
    if isinstance(column.kind, Text):
        limits |= {"min_length": 1, "max_length": column.max_length}
    references = next((f"{r.parent}.{r.targets[0]}" for r in rules.references if r.columns == (column.name,)), "")
    doc = f"{column.doc} (in {references})" if references else column.doc
    kind: Any = column.kind.json_schema
    meaning: dict[str, Any] = {"description": doc, "examples": [_example(rules, column)]}
    if column.required and column.default:
        return kind, Field(default_factory=lambda: None, **meaning, **limits)
    if column.required:
        return kind, Field(**meaning, **limits)
    return kind | None, Field(default=None, **meaning, **limits)


def _example(rules: TableRules, column: ColumnRule) -> Any:
    """What the model gives as an example of a column (`info={"example": …}`), or else any value of its kind."""
    return rules.table.columns[column.name].info.get("example", column.kind.example)
