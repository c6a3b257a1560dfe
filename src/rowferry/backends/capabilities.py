"""What a database can do, and which values it keeps: asked for instead of its name."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Float, Numeric, Table

from rowferry.kinds.declared import variant_of


@dataclass(frozen=True)
class Capabilities:
    """What a room says of its database; limits are None where there are none, or none that matters."""

    name: str
    """What it is called in sentences."""

    embedded: bool
    """It is a file of ours, which no other program is expected to use."""

    exact_collation: str
    """By it, texts are equal only if they are the same."""

    name_bytes: int | None = None
    """So many bytes of a name are kept; what is behind them is cut off."""

    decimal_digits: int | None = None
    """So many digits of a decimal are kept."""

    keeps_nan: bool = True
    """A float that is no number is not taken for null."""

    schemas: bool = False
    """A table may be in another schema than those of the connection, and refer to tables there."""

    sequences: bool = False
    """It has sequences apart from tables; where it has none, a model's are passed over."""

    def unkept(self, table: Table) -> Iterator[str]:
        """What of the model of a table exceeds its limits, each with what to do about it."""
        if table.schema and not self.schemas:
            said = f"{table.key} has a class that names its schema, {table.schema}"
            yield f"{said}; {self.name} has no schemas, so leave it out"
        for name in (table.schema or "", table.name, *(column.name for column in table.columns)):
            if self.name_bytes and (size := len(name.encode())) > self.name_bytes:
                yield f"{self.name} keeps {self.name_bytes} bytes of a name, but {name} has {size}; shorten it"
        for column in (each for each in table.columns if each.computed is None):
            declared = variant_of(column.type, self.name.lower())
            if not self.decimal_digits or not isinstance(declared, Numeric) or isinstance(declared, Float):
                continue
            if declared.precision is None or declared.precision > self.decimal_digits:
                has = "any number of them" if declared.precision is None else declared.precision
                kept = f"{self.name} keeps {self.decimal_digits} digits of a decimal, but {column} has {has}"
                yield f"{kept}; declare fewer digits, or use a text"
