"""Addresses of networks and devices: types of PostgreSQL; here they are texts, as PostgreSQL prints them."""

import ipaddress
import re
from abc import abstractmethod
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy.dialects import postgresql as sql

from rowferry.arrow.masks import Mask
from rowferry.kinds.kind import InSqlite, Kind, SpelledInPostgresql
from rowferry.kinds.unfit import UnfitError

_ADDRESS = re.compile(r"[0-9a-fA-F.:]+(/[0-9]{1,3})?")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:(:)|-)(?:[0-9a-fA-F]{2}(?(1):|-)){4}[0-9a-fA-F]{2}")


class Address(Kind):
    """What the three kinds have in common."""

    tells_apart = False
    json_schema = str
    spelled_in_postgresql = SpelledInPostgresql(None)
    sqlite = InSqlite(
        classes=frozenset({str, NoneType}),
        spoiled_by=("INTEGER", "REAL", "NUMERIC"),
        left_alone_by=("BLOB",),
        unusual="0",
        joined=None,
    )

    @abstractmethod
    def parse(self, text: str) -> str: ...

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.string()

    def avro(self, arrow: pa.DataType) -> str:
        return "string"

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of all that is one."""
        values = [self._parsed(text) for text in texts.to_pylist()]
        return pa.array(values, pa.string()), np.array([value is not None for value in values], dtype=np.bool_)

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> None:
        """Texts are read; nothing else is sure to be one."""
        return

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return False

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == self.name

    def received(self, sent: pa.Array, arrow: pa.DataType) -> pa.Array:
        return pa.array((None if text is None else self.parse(text) for text in sent.to_pylist()), pa.string())

    def widest(self, *size: int) -> pa.DataType:
        return pa.string()

    def _parsed(self, text: str) -> str | None:
        try:
            return self.parse(text)
        except UnfitError:
            return None


class Inet(Address):
    """The address of a host, perhaps with the length of its network's prefix."""

    name = "inet"
    noun = "an address of IPv4 or IPv6, perhaps with the length of a prefix"
    sql_types = (sql.INET,)
    example = "192.0.2.1"

    def parse(self, text: str) -> str:
        """An address as PostgreSQL prints it; the prefix only where it is not the whole of it."""
        _require_address(text)
        try:
            found = ipaddress.ip_interface(text)
        except ValueError as error:
            raise UnfitError from error
        prefix = found.network.prefixlen
        return _spelled(found.ip) + (f"/{prefix}" if prefix < found.max_prefixlen else "")


class Cidr(Address):
    """The address of a network."""

    name = "cidr"
    noun = "a network of IPv4 or IPv6, with nothing behind its prefix"
    sql_types = (sql.CIDR,)
    example = "192.0.2.0/24"

    def parse(self, text: str) -> str:
        """A network as PostgreSQL prints it."""
        _require_address(text)
        try:
            found = ipaddress.ip_network(text)
        except ValueError as error:
            raise UnfitError("it has bits behind its prefix" if "host bits" in str(error) else "") from error
        return f"{_spelled(found.network_address)}/{found.prefixlen}"


class Mac(Address):
    """The address of a device, of six bytes."""

    name = "macaddr"
    noun = "an address of a device (08:00:2b:01:02:03)"
    sql_types = (sql.MACADDR,)
    example = "08:00:2b:01:02:03"

    def parse(self, text: str) -> str:
        """An address in small letters, with colons."""
        if not _MAC.fullmatch(text):
            raise UnfitError
        return text.lower().replace("-", ":")


def _require_address(text: str) -> None:
    """Raise UnfitError for what Python takes for an address and PostgreSQL does not, such as a mask behind it."""
    if not _ADDRESS.fullmatch(text):
        raise UnfitError


def _spelled(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An address as PostgreSQL prints it: one of IPv4 within one of IPv6 has points, which Python does not print."""
    number = int(address)
    within = address.version == 6 and number >> 32 in (0, 0xFFFF) and (number >> 32 or number >> 16)
    if not within:
        return str(address)
    before = "::ffff:" if number >> 32 else "::"
    return before + str(ipaddress.IPv4Address(number & 0xFFFFFFFF))


INET, CIDR, MAC = Inet(), Cidr(), Mac()
