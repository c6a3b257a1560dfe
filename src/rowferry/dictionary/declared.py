"""Tables as somebody's Python declares them, in whatever style: what a module has of them, and the classes of each."""

import dataclasses
import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from types import ModuleType
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import Mapper, registry

from rowferry.dictionary.module_search import find_module, submodules_of

_ATTRIBUTE = re.compile(r"(.+):([^\W\d][\w.]*)")


@dataclass(frozen=True)
class Declared:
    """The tables of one MetaData, and the classes that are mapped to them, by the keys of their tables."""

    metadata: MetaData
    classes: Mapping[str, type]

    def doc(self, table: Table) -> str:
        """What the class of a table says about it; what it inherits, or a dataclass makes up, says nothing."""
        found = self.classes.get(table.key)
        doc = inspect.cleandoc(found.__doc__ or "") if found else ""
        return "" if dataclasses.is_dataclass(found) and doc.startswith(f"{found.__name__}(") else doc


def declared_at(place: str) -> Declared:
    """The tables that a place declares: a module, or a package of modules, or what `:NAME` behind it says.

    The modules of a package are imported where the package itself declares no tables. Several declarative bases are
    served together.

    Raises:
        LookupError: There are none, or it is not clear which; its arguments are all the reasons.
    """
    matched = _ATTRIBUTE.fullmatch(place)
    at, attribute = matched.groups() if matched else (place, "")
    module = find_module(at)
    modules = [module]
    found = _metadata_of(modules, attribute)
    if not found:
        modules += submodules_of(module)
        found = _metadata_of(modules, attribute)
    if not found:
        raise LookupError(_nothing_found(module, attribute))
    metadata = next(iter(found.values())) if len(found) == 1 else _united(found, at)
    return Declared(metadata, _classes(modules))


def _metadata_of(modules: Iterable[ModuleType], attribute: str) -> dict[str, MetaData]:
    """Each MetaData that has tables, by a name in the modules: that of a base rather than that of a table of it."""
    found: dict[int, tuple[str, MetaData]] = {}
    named = chain.from_iterable(map(_values, modules))
    for name, value in _attributes(named, attribute) if attribute else sorted(named, key=lambda it: _is_table(it[1])):
        metadata = None if attribute and _is_table(value) else _metadata(value)
        if metadata is not None and metadata.tables:
            found.setdefault(id(metadata), (name, metadata))
    return dict(found.values())


def _attributes(named: Iterable[tuple[str, Any]], attribute: str) -> Iterator[tuple[str, Any]]:
    """What an attribute, which may be one of another, is in each of the modules that has it."""
    first, *others = attribute.split(".")
    for name, value in named:
        if name == first:
            yield attribute, reduce(lambda inner, other: getattr(inner, other, None), others, value)


def _values(module: ModuleType) -> list[tuple[str, Any]]:
    return list(vars(module).items())


def _metadata(value: Any) -> MetaData | None:
    """The MetaData that a value is or has."""
    with suppress(Exception):  # whatever a proxy does that is asked too early
        value = value if isinstance(value, MetaData) else getattr(value, "metadata", None)
        return value if isinstance(value, MetaData) else None
    return None


def _is_table(value: Any) -> bool:
    return isinstance(value, Table) or _mapper(value) is not None


def _mapper(value: Any) -> Mapper[Any] | None:
    """The mapper of a mapped class; that of a class it inherits from is none of its own."""
    mapper = vars(value).get("__mapper__") if isinstance(value, type) else None
    return mapper if isinstance(mapper, Mapper) else None


def _nothing_found(module: ModuleType, attribute: str) -> str:
    if not attribute:
        return f"no SQLAlchemy table found in {module.__name__}"
    bases = sorted(name for name, value in _values(module) if not _is_table(value) and _has_tables(value))
    hint = f"it has {', '.join(bases)}" if bases else "it has none"
    return f"{attribute} is no declarative base, registry or MetaData of {module.__name__} that has tables; {hint}"


def _has_tables(value: Any) -> bool:
    metadata = _metadata(value)
    return metadata is not None and bool(metadata.tables)


def _united(found: Mapping[str, MetaData], at: str) -> MetaData:
    """All tables in one MetaData, where they may refer to each other by name.

    Raises:
        LookupError: Two of them have the same name.
    """
    times = Counter(key for metadata in found.values() for key in metadata.tables)
    if twice := sorted(key for key, count in times.items() if count > 1):
        choices = " or ".join(f"{at}:{name}" for name in found)
        raise LookupError(
            f"{', '.join(twice)}: {len(found)} MetaData or declarative bases have tables of that name; serve one of "
            f"them: {choices}"
        )
    united = MetaData()
    for table in chain.from_iterable(metadata.tables.values() for metadata in found.values()):
        table.to_metadata(united)
    return united


def _classes(modules: Sequence[ModuleType]) -> dict[str, type]:
    """The mapped classes by the keys of their tables; of several, the one that the others inherit from."""
    found: dict[str, type] = {}
    for mapper in sorted(_mappers(modules), key=lambda mapper: mapper.class_.__qualname__):
        table = mapper.local_table
        if isinstance(table, Table) and (mapper.inherits is None or mapper.inherits.local_table is not table):
            found.setdefault(table.key, mapper.class_)
    return found


def _mappers(modules: Sequence[ModuleType]) -> Iterator[Mapper[Any]]:
    """Those of all registries that the modules know by themselves, by a base, or by a mapped class."""
    registries: dict[int, registry] = {}
    for _, value in chain.from_iterable(map(_values, modules)):
        mapper = _mapper(value)
        known = mapper.registry if mapper else value
        if isinstance(known, type):
            known = getattr(known, "registry", None)
        if isinstance(known, registry):
            registries[id(known)] = known
    for known in registries.values():
        yield from known.mappers
