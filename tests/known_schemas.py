"""Databases of the shape of two that everybody knows, Chinook and Northwind, filled with rows of a seeded generator.

Written from what their schemas are known to be: tables, columns, types, keys and references, but none of their rows.
"""

import datetime as dt
import random
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

ADDRESS = "Address str70?, City str40?, State str40?, Country str40?, PostalCode str10?"

CHINOOK = f"""
Artist: ArtistId int*, Name str120?
Album: AlbumId int*, Title str160, ArtistId int>Artist
Employee: EmployeeId int*, LastName str20, FirstName str20, Title str30?, ReportsTo int?>Employee, BirthDate moment?,
  HireDate moment?, {ADDRESS}, Phone str24?, Fax str24?, Email str60?
Customer: CustomerId int*, FirstName str40, LastName str20, Company str80?, {ADDRESS}, Phone str24?, Fax str24?,
  Email str60, SupportRepId int?>Employee
Genre: GenreId int*, Name str120?
MediaType: MediaTypeId int*, Name str120?
Track: TrackId int*, Name str200, AlbumId int?>Album, MediaTypeId int>MediaType, GenreId int?>Genre,
  Composer str220?, Milliseconds int, Bytes int?, UnitPrice money
Invoice: InvoiceId int*, CustomerId int>Customer, InvoiceDate moment, BillingAddress str70?, BillingCity str40?,
  BillingState str40?, BillingCountry str40?, BillingPostalCode str10?, Total money
InvoiceLine: InvoiceLineId int*, InvoiceId int>Invoice, TrackId int>Track, UnitPrice money, Quantity int
Playlist: PlaylistId int*, Name str120?
PlaylistTrack: PlaylistId int*>Playlist, TrackId int*>Track
"""

PLACE = "address str60?, city str15?, region str15?, postal_code str10?, country str15?"

NORTHWIND = f"""
categories: category_id small*, category_name str15, description text?, picture bytes?
customer_demographics: customer_type_id str5*, customer_desc text?
customers: customer_id str5*, company_name str40, contact_name str30?, contact_title str30?, {PLACE}, phone str24?,
  fax str24?
customer_customer_demo: customer_id str5*>customers, customer_type_id str5*>customer_demographics
employees: employee_id small*, last_name str20, first_name str10, title str30?, title_of_courtesy str25?,
  birth_date date?, hire_date date?, {PLACE}, home_phone str24?, extension str4?, photo bytes?, notes text?,
  reports_to small?>employees, photo_path str255?
region: region_id small*, region_description str60
territories: territory_id str20*, territory_description str60, region_id small>region
employee_territories: employee_id small*>employees, territory_id str20*>territories
shippers: shipper_id small*, company_name str40, phone str24?
suppliers: supplier_id small*, company_name str40, contact_name str30?, contact_title str30?, {PLACE}, phone str24?,
  fax str24?, homepage text?
products: product_id small*, product_name str40, supplier_id small?>suppliers, category_id small?>categories,
  quantity_per_unit str20?, unit_price real?, units_in_stock small?, units_on_order small?, reorder_level small?,
  discontinued int
orders: order_id small*, customer_id str5?>customers, employee_id small?>employees, order_date date?,
  required_date date?, shipped_date date?, ship_via small?>shippers, freight real?, ship_name str40?,
  ship_address str60?, ship_city str15?, ship_region str15?, ship_postal_code str10?, ship_country str15?
order_details: order_id small*>orders, product_id small*>products, unit_price real, quantity small, discount real
us_states: state_id small*, state_name str100?, state_abbr str2?, state_region str50?
"""

_TYPES: dict[str, Any] = {
    "int": sa.Integer(),
    "small": sa.SmallInteger(),
    "money": sa.Numeric(10, 2),
    "moment": sa.DateTime(),
    "date": sa.Date(),
    "real": sa.REAL(),
    "text": sa.Text(),
    "bytes": sa.LargeBinary(),
}
_COLUMN = re.compile(r"(\w+) ([a-z]+)(\d*)(\*?)(\??)(?:>(\w+))?")
_ROWS = 12


def schema_of(described: str) -> sa.MetaData:
    """The tables that a text describes, a table a line: `*` is the key, `?` is optional, `>` refers to a key."""
    metadata = sa.MetaData()
    for line in re.sub(r"\n +", " ", described.strip()).splitlines():
        name, _, columns = line.partition(": ")
        sa.Table(name, metadata, *(_column(found, metadata) for found in _COLUMN.findall(columns)))
    return metadata


def _column(found: tuple[str, ...], metadata: sa.MetaData) -> sa.Column[Any]:
    name, kind, length, key, optional, parent = found
    of_type = sa.String(int(length)) if kind == "str" else _TYPES[kind]
    target = _key_of(parent, name, metadata) if parent else None
    references = [sa.ForeignKey(f"{parent}.{target}")] if parent else []
    return sa.Column(name, of_type, *references, primary_key=bool(key), nullable=bool(optional), autoincrement=False)


def _key_of(parent: str, name: str, metadata: sa.MetaData) -> str:
    """The key of a table; that of one being described is its first column, whose name is that of the table and id."""
    known = metadata.tables.get(parent)
    if known is not None:
        return next(iter(known.primary_key.columns)).name
    return {"Employee": "EmployeeId", "employees": "employee_id"}[parent]


def fill(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Insert a dozen rows into each table; they are the same each time."""
    made = random.Random(metadata.sorted_tables[0].name)
    keys: dict[str, list[Any]] = {}
    for table in metadata.sorted_tables:
        rows = [_row(table, number, made, keys) for number in range(1, _ROWS + 1)]
        connection.execute(table.insert(), rows)
        keys[table.name] = [row[next(iter(table.primary_key.columns)).name] for row in rows]


def _row(table: sa.Table, number: int, made: random.Random, keys: dict[str, list[Any]]) -> dict[str, Any]:
    key = list(table.primary_key.columns)
    return {column.name: _value(column, number if column in key else 0, made, keys) for column in table.columns}


def _value(column: sa.Column[Any], number: int, made: random.Random, keys: dict[str, list[Any]]) -> Any:
    if column.nullable and made.random() < 0.2:
        return None
    if column.foreign_keys:
        parents = keys.get(next(iter(column.foreign_keys)).column.table.name, [1])
        return parents[number % len(parents)] if number else made.choice(parents)
    if isinstance(column.type, sa.Integer):
        return number or made.randrange(1, 30_000)
    if isinstance(column.type, sa.String):
        return f'{number or made.randrange(99)} Größe, "{"x" * made.randrange(9)}"'[: column.type.length or 30]
    return _MAKERS[type(column.type)](made)


_MAKERS: dict[type, Callable[[random.Random], Any]] = {
    sa.REAL: lambda made: made.randrange(400) / 4,
    sa.Numeric: lambda made: Decimal(made.randrange(10_000)) / 100,
    sa.Date: lambda made: dt.date(1996, 1, 1) + dt.timedelta(made.randrange(1000)),
    sa.DateTime: lambda made: dt.datetime(2009, 1, 1) + dt.timedelta(made.randrange(1000)),  # noqa: DTZ001  # as there
    sa.LargeBinary: lambda made: made.randbytes(20),
}
