"""Names say what a thing is: the ones that could stand for anything are refused."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = sorted((ROOT / "src").rglob("*.py"))

MEANINGLESS = {"one", "told", "thing", "stuff", "obj", "tmp", "foo"}


def names(tree: ast.AST) -> Iterator[str]:
    """The names that a module gives: to variables, parameters, functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_names_mean_something() -> None:
    found = ((path, set(names(ast.parse(path.read_text()))) & MEANINGLESS) for path in SOURCE)
    assert {name_of(path): meaningless for path, meaningless in found if meaningless} == {}


def test_contracts_ask_for_no_database_by_its_name() -> None:
    contracts = sorted((ROOT / "tests" / "contract").rglob("*.py"))
    assert contracts
    assert [name_of(path) for path in contracts if "dialect.name" in path.read_text()] == []
