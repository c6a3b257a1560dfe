"""Rules of the code that can be checked: size, names, imports, errors."""

import ast
import importlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from reference import every_error

from rowferry import errors

ROOT = Path(__file__).resolve().parents[2]
SOURCE = sorted((ROOT / "src").rglob("*.py"))
ALL = [*SOURCE, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]

MOST_LINES, LONGEST_FUNCTION = 400, 60

FORBIDDEN = {"utils", "helpers", "manager", "common", "base", "util", "helper", "managers", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef

Rule = Callable[[Path], Iterator[str]]
"""Finds what is wrong in a module, in words."""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions_of(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, Function):
            yield node


def length(node: ast.ClassDef | Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_short(path: Path) -> Iterator[str]:
    if (lines := len(path.read_text().splitlines())) > MOST_LINES:
        yield f"{lines} lines"
    for function in functions_of(path):
        if length(function) > LONGEST_FUNCTION:
            yield f"{function.name}:{function.lineno} is long"


def is_named_for_what_it_is_in_charge_of(path: Path) -> Iterator[str]:
    yield from (set(path.stem.split("_")) | {path.parent.name}) & FORBIDDEN


def imports_nothing_inside_a_function(path: Path) -> Iterator[str]:
    for function in functions_of(path):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{function.name}:{node.lineno}"


def opens_with_one_sentence(path: Path) -> Iterator[str]:
    if text := path.read_text().strip():
        docstring = ast.get_docstring(ast.parse(text)) or ""
        if not docstring or (docstring[0].isalpha() and not docstring[0].isupper()):
            yield "does not begin like a sentence"
        if len(docstring.split("\n\n")[0].splitlines()) > 3:
            yield "is long"


def leaves_the_environment_to_settings(path: Path) -> Iterator[str]:
    if path.name != "settings.py":
        nodes = ast.walk(tree_of(path))
        yield from {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {"environ", "getenv"}


def can_be_imported(path: Path) -> Iterator[str]:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    try:
        importlib.import_module(".".join(part for part in parts if part != "__init__"))
    except ImportError as error:
        yield str(error)


def has_documented_public_names(path: Path) -> Iterator[str]:
    """One imperative sentence for public functions and classes; a short one that says it by its name may go without."""
    for node in tree_of(path).body:
        is_class = isinstance(node, ast.ClassDef)
        if isinstance(node, ast.ClassDef | Function) and (is_class or length(node) > 12) and undocumented(node):
            yield f"{node.name}:{node.lineno}"


def undocumented(node: ast.ClassDef | Function) -> bool:
    return not node.name.startswith("_") and not ast.get_docstring(node)


OF_SOURCE: list[Rule] = [
    imports_nothing_inside_a_function,
    opens_with_one_sentence,
    leaves_the_environment_to_settings,
    can_be_imported,
    has_documented_public_names,
]
OF_ALL: list[Rule] = [is_short, is_named_for_what_it_is_in_charge_of]


def name_of(rule: Rule) -> str:
    return rule.__name__


def require_kept(rule: Rule, paths: list[Path]) -> None:
    assert [f"{path.relative_to(ROOT)}: {fault}" for path in paths for fault in rule(path)] == []


@pytest.mark.parametrize("rule", OF_SOURCE, ids=name_of)
def test_each_module(rule: Rule) -> None:
    require_kept(rule, SOURCE)


@pytest.mark.parametrize("rule", OF_ALL, ids=name_of)
def test_each_module_and_each_of_tests_and_benchmarks(rule: Rule) -> None:
    require_kept(rule, ALL)


LEAVES = sorted((error for error in every_error() if not error.__subclasses__()), key=lambda error: error.__qualname__)


def faults_of(error: type[errors.RowferryError]) -> Iterator[str]:
    """What an error lacks of code, message and hint."""
    yield from {"code", "hint"} - set(vars(error))
    if not error.hint.strip():
        yield "an empty hint"
    document = error.__doc__ or ""
    if not document or not (document[0].isupper() or document[0] == "{") or document.strip().endswith("."):
        yield "a message that is no sentence without its full stop"
    if error.code != error.code.lower():
        yield "capitals in its code"


def test_each_error_has_code_message_and_hint() -> None:
    assert [f"{error.__name__}: {fault}" for error in LEAVES for fault in faults_of(error)] == []


def test_codes_of_errors_are_unique() -> None:
    codes = [error.code for error in LEAVES]
    assert sorted(codes) == sorted(set(codes))
