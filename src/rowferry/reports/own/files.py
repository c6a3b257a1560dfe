"""Reads the files of reports, and says all that is wrong with them, by file and line."""

import difflib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from rowferry.kinds.kind import Kind
from rowferry.kinds.unfit import UnfitError
from rowferry.reports.own.declarations import BOUND_AS, MARKS, Chart, Column, Mark, OwnReport, Parameter
from rowferry.reports.own.statement import Statement, read_statement

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_MOST_BYTES = 1 << 20

_DECLARATION = re.compile(r"--\s*(?P<word>\w+)(?P<rest>\s*:.*|\s.*|)")

_PARAMETER = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*)\s+(?P<kind>\w+)(\s*=\s*(?P<default>'(?:[^']|'')*'|.*?))?(\s*:\s+(?P<doc>.*)|\s*:)?"
)
_COLUMN = re.compile(r"(?P<name>\"[^\"]+\"|\S+)\s+(?P<kind>\w+)(\s*:\s*(?P<doc>.*))?")
_PLACE = re.compile(r"\s+(\w+)=(\"[^\"]+\"|\S+)")
_CHART = re.compile(rf"(?P<mark>\w+)(?P<places>({_PLACE.pattern})*)")

_TAKEN = ("as_json", "database_url", "form", "format", "help", "json", "output")
"""Options that the command of every report has."""


@dataclass
class _Draft:
    """What has been read of a file so far."""

    title: str = ""
    description: str = ""
    parameters: list[Parameter] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    chart: Chart | None = None
    faults: list[tuple[int, str]] = field(default_factory=list)


def read_reports(folder: Path, taken: Collection[str]) -> tuple[dict[str, OwnReport], list[str]]:
    """The reports of all files `NAME.sql` of a folder, in the order of their names, and all that is wrong with them.

    A fault names its file and line, and what to do about it. Names that are `taken` are those of other reports.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".sql" and not path.name.startswith("."))
    except OSError as error:
        return {}, [f"{folder} is not a readable folder: {error.strerror}; choose another one, or permit access"]
    reports: dict[str, OwnReport] = {}
    faults: list[str] = []
    for path in paths:
        if not _NAME.fullmatch(path.stem):
            faults.append(f"{path.name}: a name has small letters, digits and single hyphens only; rename the file")
        elif path.stem in taken:
            faults.append(f"{path.name}: there is a built-in report of this name; rename the file")
        else:
            report, wrong = read_report(path)
            faults += [f"{path.name}:{line}: {fault}" for line, fault in wrong]
            reports[report.name] = report
    return reports, faults


def read_report(path: Path) -> tuple[OwnReport, list[tuple[int, str]]]:
    """The report that a file declares, and what is wrong with it, by line."""
    draft = _Draft()
    lines = _lines(path, draft)
    head = next(
        (at for at, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("--")), len(lines)
    )
    for number, line in enumerate(lines[:head], 1):
        if line.strip():
            _declare(draft, line.strip(), number)
    statement = (
        Statement()
        if draft.faults and not lines
        else read_statement("\n".join(lines[head:]), min(head + 1, len(lines)))
    )
    draft.faults += statement.faults
    _compare(draft, statement, head)
    report = OwnReport(
        name=path.stem,
        file=path,
        title=draft.title or path.stem.replace("-", " ").capitalize(),
        description=draft.description,
        parameters=tuple(draft.parameters),
        columns=tuple(draft.columns),
        chart=draft.chart,
        statement=statement.text,
    )
    return report, sorted(draft.faults)


def _lines(path: Path, draft: _Draft) -> list[str]:
    fault = text = ""
    try:
        if path.stat().st_size > _MOST_BYTES:
            fault = "it is larger than 1 MiB; a report is one statement"
        text = path.read_bytes().decode("utf-8-sig") if not fault else ""
    except UnicodeDecodeError:
        fault = "it is not UTF-8; save it as UTF-8 text"
    except OSError as error:
        fault = f"cannot read it: {error.strerror}; permit access, or remove it"
    if "\0" in text:
        fault = "it contains NUL; save it as UTF-8 text"
    if fault:
        draft.faults.append((1, fault))
        return []
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _declare(draft: _Draft, line: str, number: int) -> None:
    """Read one line of the comment at the beginning: a declaration, or a remark."""
    found = _DECLARATION.fullmatch(line)
    if found and (declare := _DECLARATIONS.get(found["word"])):
        try:
            declare(draft, found["rest"].strip())
        except ValueError as error:
            draft.faults.append((number, str(error)))
    elif found and (near := difflib.get_close_matches(found["word"].lower(), _DECLARATIONS, 1, 0.8)):
        draft.faults.append((number, f"this declares nothing; did you mean `-- {_FORMS[near[0]]}`?"))


def _title(draft: _Draft, rest: str) -> None:
    if draft.title or not (words := _after_colon(rest)):
        raise ValueError(f"a report has one title; write `-- {_FORMS['title']}` once")
    draft.title = words


def _description(draft: _Draft, rest: str) -> None:
    """Lines of it follow each other."""
    if not (words := _after_colon(rest)):
        raise ValueError(f"write `-- {_FORMS['description']}`")
    draft.description = f"{draft.description} {words}".strip()


def _after_colon(rest: str) -> str:
    return rest[1:].strip() if rest.startswith(":") else ""


def _parameter(draft: _Draft, rest: str) -> None:
    found = _PARAMETER.fullmatch(rest)
    if not found:
        raise ValueError(f"write `-- {_FORMS['parameter']}`; a name has small letters, digits and _")
    name, default = found["name"], found["default"]
    if name in _TAKEN or name in [parameter.name for parameter in draft.parameters]:
        raise ValueError(f"{name} is taken; give the parameter another name")
    required, quoted = default is None, default is not None and default.startswith("'")
    if default is not None:
        default = default[1:-1].replace("''", "'") if quoted else default
        default = None if default == "null" and not quoted else default
    parameter = Parameter(name, _kind(found["kind"]), default, found["doc"] or "", required)
    if default is not None:
        try:
            parameter.judge(None)
        except UnfitError as error:
            raise ValueError(f"the default: {error}; correct it") from error
    draft.parameters.append(parameter)


def _column(draft: _Draft, rest: str) -> None:
    found = _COLUMN.fullmatch(rest)
    if not found:
        raise ValueError(f"write `-- {_FORMS['column']}`")
    draft.columns.append(Column(found["name"].strip('"'), _kind(found["kind"]), found["doc"] or ""))


def _kind(name: str) -> Kind:
    if name not in BOUND_AS:
        raise ValueError(f"{name} is no kind here; use one of {', '.join(BOUND_AS)}")
    return BOUND_AS[name][0]


def _chart(draft: _Draft, rest: str) -> None:
    found = _CHART.fullmatch(_after_colon(rest))
    places = {place: column.strip('"') for place, column in _PLACE.findall(found["places"])} if found else {}
    if draft.chart or not found or found["mark"] not in MARKS or not {"x", "y"} <= set(places) <= {"x", "y", "color"}:
        raise ValueError(f"write `-- {_FORMS['chart']}` once; the mark is {' or '.join(MARKS)}, and color= may follow")
    draft.chart = Chart(cast("Mark", found["mark"]), places["x"], places["y"], places.get("color"))


def _compare(draft: _Draft, statement: Statement, head: int) -> None:
    """Hold what is declared against what is used; where a declaration could not be read, that is the fault."""
    declared = [parameter.name for parameter in draft.parameters]
    if not draft.faults:
        for name, line in statement.parameters.items():
            if name not in declared:
                remedy = f"add `-- parameter {name} text: …`, or put a blank behind a colon that begins no parameter"
                draft.faults.append((line, f":{name} is not declared; {remedy}"))
        unused = [name for name in declared if name not in statement.parameters]
        draft.faults += [(head, f"the parameter {name} is not used; write :{name}, or remove it") for name in unused]


_DECLARATIONS: dict[str, Callable[[_Draft, str], None]] = {
    "title": _title,
    "description": _description,
    "parameter": _parameter,
    "column": _column,
    "chart": _chart,
}

_FORMS = {
    "title": "title: WORDS",
    "description": "description: WORDS",
    "parameter": "parameter NAME KIND = DEFAULT: MEANING",
    "column": "column NAME KIND: MEANING",
    "chart": "chart: bar x=COLUMN y=COLUMN",
}
