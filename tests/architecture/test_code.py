"""Rules of the code that can be checked: size, names, imports, errors."""

import ast
import importlib
from collections.abc import Iterator
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


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions_of(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES
    long = [f"{node.name}:{node.lineno}" for node in functions_of(path) if _length(node) > LONGEST_FUNCTION]
    assert long == []


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_modules_are_named_for_what_they_are_in_charge_of(path: Path) -> None:
    words = set(path.stem.split("_")) | {path.parent.name}
    assert not words & FORBIDDEN


@pytest.mark.parametrize("path", SOURCE, ids=name_of)
def test_nothing_is_imported_inside_a_function(path: Path) -> None:
    hidden = [
        f"{function.name}:{node.lineno}"
        for function in functions_of(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


@pytest.mark.parametrize("path", SOURCE, ids=name_of)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    text = path.read_text().strip()
    if text:
        docstring = ast.get_docstring(ast.parse(text)) or ""
        assert docstring.splitlines()[:1]
        assert docstring[0].isupper() or not docstring[0].isalpha()
        assert len(docstring.split("\n\n")[0].splitlines()) <= 3


@pytest.mark.parametrize("path", SOURCE, ids=name_of)
def test_only_settings_read_the_environment(path: Path) -> None:
    if path.name != "settings.py":
        nodes = ast.walk(ast.parse(path.read_text()))
        names = {node.attr if isinstance(node, ast.Attribute) else "" for node in nodes}
        assert not names & {"environ", "getenv"}


LEAVES = sorted((error for error in every_error() if not error.__subclasses__()), key=lambda error: error.__qualname__)


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.__name__)
def test_each_error_has_code_message_and_hint(error: type[errors.RowferryError]) -> None:
    assert "code" in vars(error)
    assert "hint" in vars(error)
    assert error.hint.strip()
    assert error.__doc__
    assert error.__doc__[0].isupper() or error.__doc__[0] == "{"
    assert not error.__doc__.strip().endswith(".")
    assert error.code == error.code.lower()


def test_codes_of_errors_are_unique() -> None:
    codes = [error.code for error in LEAVES]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("path", SOURCE, ids=name_of)
def test_every_module_can_be_imported_by_itself(path: Path) -> None:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    importlib.import_module(".".join(part for part in parts if part != "__init__"))


@pytest.mark.parametrize("path", SOURCE, ids=name_of)
def test_public_names_are_documented(path: Path) -> None:
    """One imperative sentence for public functions and classes; a short one that says it by its name may go without."""
    bare = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
            bare.append(f"{node.name}:{node.lineno}")
        if isinstance(node, Function) and not node.name.startswith("_") and not ast.get_docstring(node):
            bare += [f"{node.name}:{node.lineno}"] if _length(node) > 12 else []
    assert bare == []
