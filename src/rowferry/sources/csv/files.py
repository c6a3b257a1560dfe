"""Which files are loaded into which tables."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    FolderEmpty,
    OptionInvalid,
    PathMissing,
    SourceAmbiguous,
    SourceUnknown,
    SourceUnreadable,
)
from rowferry.errors.sources import LinkLeadsOutside, TableUnsaid
from rowferry.sources.csv.byte_source import require_text_format

SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".csv.bz2", ".csv.xz", ".csv.zip", ".zip")

STANDARD_INPUT = Path("/dev/stdin")
_DASH = Path("-")


@dataclass(frozen=True)
class CsvFile:
    """A file and the table it goes into; `name` is what people know it by."""

    path: Path
    rules: TableRules
    name: str

    @property
    def shown(self) -> str:
        """Where the file is, or only its name if it lies under another one, as an upload does."""
        name = PurePath(self.name).parts
        return str(self.path) if self.path.parts[-len(name) :] == name else self.name


@dataclass(frozen=True)
class CsvFiles:
    """The files of a load, parents first.

    `passed_over` are the names of files beside them that fit no table, and of folders that are named after one, with a
    slash.
    """

    files: Sequence[CsvFile]
    passed_over: Sequence[str] = ()

    def __iter__(self) -> Iterator[CsvFile]:
        return iter(self.files)


def find_files(
    paths: Sequence[Path], catalog: Catalog, table: str | None = None, *, confined: bool = False
) -> CsvFiles:
    """The files at the given paths, parents first.

    A folder stands for the files of tables in it, and `-` for standard input.

    With a `table`, a folder stands for the files that are named after it, or else for all that are named after no other
    table. Hidden files are passed over. A `confined` folder holds no links to files outside it.

    Raises:
        PathMissing, FolderEmpty, SourceUnknown, SourceAmbiguous, TableUnknown, TableUnsaid: What was asked for is not
            there.
        SourceUnreadable: There is no permission to look at a path.
        SourceNotCsv: A file that is named after no table is of another format, such as a workbook.
        LinkLeadsOutside: A file of a confined folder is a link to one that is not in it.
    """
    named = catalog.table(table) if table else None
    if list(paths).count(_DASH) > 1:
        raise OptionInvalid(option="PATH", value="- -", allowed="Standard input can be read only once.")
    found: list[CsvFile] = []
    passed_over: list[str] = []
    for path in paths:
        try:
            if path != _DASH and path.is_dir():
                folder = _in_folder(path, catalog, named)
                found += folder.files
                passed_over += folder.passed_over
            else:
                found.append(_single(path, catalog, named))
        except OSError as error:
            raise SourceUnreadable(path=path, reason=error.strerror or str(error)) from error
    if confined:
        _require_inside(paths, found)
    return CsvFiles(sorted(found, key=lambda file: catalog.names.index(file.rules.name)), passed_over)


def _single(path: Path, catalog: Catalog, named: TableRules | None) -> CsvFile:
    if path == _DASH:
        if named is None:
            raise TableUnsaid(names=", ".join(catalog.names))
        return CsvFile(STANDARD_INPUT, named, "standard input")
    if not path.exists():
        raise PathMissing(path=path)
    rules = named or _table_of(path, catalog)
    if rules is None:
        if path.is_file():
            require_text_format(path)
        raise SourceUnknown(path=path, names=", ".join(catalog.names))
    return CsvFile(path, rules, path.name if path.is_file() else str(path))


def _in_folder(folder: Path, catalog: Catalog, only: TableRules | None) -> CsvFiles:
    visible = sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=_natural)
    by_table: dict[str | None, list[Path]] = {}
    for path in visible:
        if not path.is_dir():
            rules = _table_of(path, catalog)
            by_table.setdefault(rules.name if rules else None, []).append(path)
    strangers = by_table.pop(None, [])
    wanted = [only.name] if only else catalog.names
    for name in wanted:
        if len(same := by_table.get(name, [])) > 1:
            raise SourceAmbiguous(path=folder, table=name, files=", ".join(path.name for path in same))
    if only and only.name not in by_table:  # a folder of parts, then, whatever they are called
        by_table[only.name] = [path for path in strangers if _stem(path) is not None]
        strangers = [path for path in strangers if _stem(path) is None]
    found = [CsvFile(path, catalog.table(name), path.name) for name in wanted for path in by_table.get(name, [])]
    if not found:
        raise FolderEmpty(path=folder, names=", ".join(f"{name}.csv" for name in wanted))
    # Programs that write in parts make a folder of that name, and not every reader knows.
    parts = [f"{path.name}/" for path in visible if path.is_dir() and _table_of(path, catalog)]
    return CsvFiles(found, [path.name for path in strangers] + parts)


def named_files(folder: Path) -> dict[str, Path]:
    """The CSV files of a folder by the tables that they are named after, in the order of their names.

    Raises:
        SourceAmbiguous: Two files are named after the same table.
        PathMissing, SourceUnreadable: There is no such folder; it is none, or there is no permission to look into it.
    """
    found: dict[str, Path] = {}
    try:
        paths = sorted(folder.iterdir(), key=_natural)
    except FileNotFoundError as error:
        raise PathMissing(path=folder) from error
    except NotADirectoryError as error:
        raise SourceUnreadable(path=folder, reason="it is not a folder") from error
    except OSError as error:
        raise SourceUnreadable(path=folder, reason=error.strerror or str(error)) from error
    for path in paths:
        stem = _stem(path)
        if not stem or path.name.startswith(".") or path.is_dir():
            continue
        same = next((other for name, other in found.items() if name.casefold() == stem.casefold()), None)
        if same is not None:
            raise SourceAmbiguous(path=folder, table=stem, files=f"{same.name}, {path.name}")
        found[stem] = path
    return found


def _require_inside(folders: Sequence[Path], files: Sequence[CsvFile]) -> None:
    """Whoever may put links into a folder would else have any file read, and could see its lines as rejected rows."""
    inside = [folder.resolve() for folder in folders]
    for file in files:
        real = file.path.resolve()
        if not any(real.is_relative_to(folder) for folder in inside):
            raise LinkLeadsOutside(path=file.path, folder=", ".join(map(str, folders)))


def _table_of(path: Path, catalog: Catalog) -> TableRules | None:
    """The table that a file is named after, without regard to case; None if there is none."""
    stem = _stem(path)
    if stem is None:
        return None
    alike = [name for name in catalog.names if name.casefold() == stem.casefold()]
    name = stem if stem in alike else alike[0] if len(alike) == 1 else None
    return catalog.table(name) if name else None


def _stem(path: Path) -> str | None:
    """The name of a file without the suffixes of CSV files; None if it has none of them."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return None


def _natural(path: Path) -> list[tuple[int, str]]:
    """Orders names as people do: part-2 before part-10."""
    pieces = re.split(r"([0-9]+)", path.name)
    return [(int(piece) if at % 2 else 0, piece) for at, piece in enumerate(pieces)]
