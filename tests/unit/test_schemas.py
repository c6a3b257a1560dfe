"""The document of the API describes every table that is served, whatever it and its columns are called."""

import sqlalchemy as sa

from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.declared import Declared
from rowferry.dictionary.schemas import BATCH, batch_schemas

NAMES = ["_id", "schema", "json", "model_config", "the \u00fc"]


def test_columns_may_have_any_name() -> None:
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
    sa.Table("_rows", metadata, key, *(sa.Column(name, sa.Date, nullable=False) for name in NAMES))
    schemas = batch_schemas(Catalog(Declared(metadata, {})))
    assert list(schemas[BATCH]["properties"]) == ["_rows"]
    assert list(schemas["Rows"]["properties"]) == schemas["Rows"]["required"] == ["id", *NAMES]


def test_no_two_schemas_have_the_same_name() -> None:
    metadata = sa.MetaData()
    for name in ("ab", "a_b", "problem", "batchTransaction", "_", "caf\u00e9"):
        sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True))
    schemas = batch_schemas(Catalog(Declared(metadata, {})), {"Problem"})
    assert sorted(schemas) == sorted([BATCH, "Ab", "AB", "Problem_", "Batchtransaction", "Row", "Caf_"])
    refs = [of["items"]["$ref"].rpartition("/")[2] for of in schemas[BATCH]["properties"].values()]
    assert sorted([BATCH, *refs]) == sorted(schemas)


def test_schemas_tell_tables_of_one_name_apart() -> None:
    metadata = sa.MetaData()
    for schema in ("crm", "back.office", None):
        sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True), schema=schema)
    schemas = batch_schemas(Catalog(Declared(metadata, {})))
    assert sorted(schemas) == ["BackOfficeOrders", BATCH, "CrmOrders", "Orders"]
