"""Which files are loaded into which tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.rules import TableRules
from rowferry.errors import FolderEmpty, PathMissing, SourceAmbiguous, SourceUnknown, SourceUnreadable

SUFFIXES = (".csv", ".csv.gz", ".csv.zst")


@dataclass(frozen=True)
class CsvFile:
    """A file and the table it goes into; `name` is what people know it by."""

    path: Path
    rules: TableRules
    name: str

    @property
    def shown(self) -> str:
        """Where the file is, or only its name if it lies under another one, as an upload does."""
        return str(self.path) if self.path.name == self.name else self.name


def find_files(paths: Sequence[Path], catalog: Catalog, table: str | None = None) -> list[CsvFile]:
    """The files at the given paths, parents first; a folder stands for the files of tables in it.

    Raises:
        PathMissing, FolderEmpty, SourceUnknown, SourceAmbiguous, TableUnknown: What was asked for is not there.
        SourceUnreadable: There is no permission to look at a path.
    """
    named = catalog.table(table) if table else None
    found: list[CsvFile] = []
    for path in paths:
        try:
            if not path.exists():
                raise PathMissing(path=path)
            if path.is_dir():
                found += _in_folder(path, catalog, named)
            else:
                found.append(CsvFile(path, named or _table_of(path, catalog), path.name))
        except OSError as error:
            raise SourceUnreadable(path=path, reason=error.strerror or str(error)) from error
    return sorted(found, key=lambda file: catalog.names.index(file.rules.name))


def _in_folder(folder: Path, catalog: Catalog, only: TableRules | None) -> list[CsvFile]:
    files = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES))
    by_table: dict[str, list[CsvFile]] = {}
    for path in files:
        rules = _table_of(path, catalog)
        if only is None or rules is only:
            by_table.setdefault(rules.name, []).append(CsvFile(path, rules, path.name))
    for name, same in by_table.items():
        if len(same) > 1:
            raise SourceAmbiguous(path=folder, table=name, files=", ".join(file.name for file in same))
    if not by_table:
        raise FolderEmpty(path=folder, names=", ".join(f"{name}.csv" for name in catalog.names))
    return [files[0] for files in by_table.values()]


def _table_of(path: Path, catalog: Catalog) -> TableRules:
    stem = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        stem = stem.removesuffix(suffix)
    if stem not in catalog:
        raise SourceUnknown(path=path, names=", ".join(catalog.names))
    return catalog.table(stem)
