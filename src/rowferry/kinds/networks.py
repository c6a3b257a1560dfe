"""Addresses of networks and devices: types of PostgreSQL; here they are texts, as PostgreSQL prints them."""

import ipaddress
import re

from sqlalchemy.dialects import postgresql as sql

from rowferry.kinds.kept_texts import Respelled
from rowferry.kinds.unfit import UnfitError

_ADDRESS = re.compile(r"[0-9a-fA-F.:]+(/[0-9]{1,3})?")


def _mac_of(count: int) -> re.Pattern[str]:
    """The grammar of an address of so many bytes, with colons between all of them or with hyphens."""
    return re.compile(rf"[0-9a-fA-F]{{2}}(?:(:)|-)(?:[0-9a-fA-F]{{2}}(?(1):|-)){{{count - 2}}}[0-9a-fA-F]{{2}}")


class Inet(Respelled):
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


class Cidr(Respelled):
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


class Device(Respelled):
    """The address of a device."""

    grammar: re.Pattern[str]

    def parse(self, text: str) -> str:
        """An address in small letters, with colons."""
        if not self.grammar.fullmatch(text):
            raise UnfitError
        return text.lower().replace("-", ":")


class Mac(Device):
    """The address of a device, of six bytes."""

    name = "macaddr"
    noun = "an address of a device (08:00:2b:01:02:03)"
    sql_types = (sql.MACADDR,)
    example = "08:00:2b:01:02:03"
    grammar = _mac_of(6)


class Mac8(Device):
    """The address of a device, of eight bytes; one of six is another kind."""

    name = "macaddr8"
    noun = "an address of a device (08:00:2b:01:02:03:04:05)"
    sql_types = (sql.MACADDR8,)
    example = "08:00:2b:01:02:03:04:05"
    grammar = _mac_of(8)


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


INET, CIDR, MAC, MAC8 = Inet(), Cidr(), Mac(), Mac8()
