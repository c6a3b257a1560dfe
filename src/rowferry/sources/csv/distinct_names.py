"""Names by which the files of one load are told apart."""

from collections.abc import Sequence
from dataclasses import replace

from rowferry.sources.csv.files import CsvFile


def with_distinct_names(files: Sequence[CsvFile]) -> list[CsvFile]:
    """The same files; where several have the same name, with as much of their paths as tells them apart.

    So `a/jobs.csv` and `b/jobs.csv` are not both called jobs.csv. A file that is given twice has one name.
    """
    paths: dict[str, set[tuple[str, ...]]] = {}
    for file in files:
        paths.setdefault(file.name, set()).add(file.path.parts)
    return [replace(file, name=_name(file, paths[file.name])) for file in files]


def _name(file: CsvFile, same: set[tuple[str, ...]]) -> str:
    if len(same) == 1 or file.path.name != file.name:
        return file.name
    longest = max(map(len, same))
    parts = next(n for n in range(1, longest + 1) if len({path[-n:] for path in same}) == len(same))
    return "/".join(file.path.parts[-parts:])
