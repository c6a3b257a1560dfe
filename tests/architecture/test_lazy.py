"""Deferred imports: only `lazy.py` makes them, type checkers read the same ones, and they keep to the layers."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from rowferry import lazy

ROOT = Path(__file__).resolve().parents[2]
SOURCE = sorted((ROOT / "src" / "rowferry").rglob("*.py"))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

IMPORTERS = {
    "rowferry.lazy": "defers imports",
    "rowferry.dictionary.module_search": "imports the module of a user's tables, by the name in the settings",
    "rowferry.avro.library": "imports one part of a package without the rest of it",
}
"""The modules that import by name, and why."""


@dataclass(frozen=True)
class Call:
    """A call of `lazy.module`: where it stands, and the module that it names, or the package if it ends in `.*`."""

    module: str
    line: int
    named: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}"


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def is_deferral(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "lazy.module"


def named(call: ast.Call) -> str:
    (argument,) = call.args
    if isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
        return f"{argument.values[0].value!s}*"
    return str(ast.literal_eval(argument))  # ValueError for a name that only running the program tells


def calls() -> Iterator[Call]:
    for path in SOURCE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and is_deferral(node):
                yield Call(dotted(path), node.lineno, named(node))


CALLS = list(calls())


def read_by_type_checkers(branch: ast.If) -> dict[str, str]:
    """The modules that a branch for type checkers imports, by the names that it gives them."""
    found: dict[str, str] = {}
    for statement in branch.body:
        if isinstance(statement, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{statement.module}.{alias.name}" for alias in statement.names}
    return found


def read_by_python(branch: ast.If) -> dict[str, str]:
    return {
        ast.unparse(statement.targets[0]): named(statement.value)
        for statement in branch.orelse
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
    }


def branches(tree: ast.Module) -> list[ast.If]:
    return [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]


def in_tables(tree: ast.Module) -> list[ast.AST]:
    """The deferrals in annotated tables, whose annotation is their type."""
    tables = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict)]
    return [node for table in tables for node in ast.walk(table) if is_deferral(node)]


def test_only_lazy_imports_by_name() -> None:
    assert {dotted(path) for path in SOURCE if imports_by_name(path)} == set(IMPORTERS)


def imports_by_name(path: Path) -> bool:
    words = {"import_module", "__import__", "importlib.util", "importlib.machinery", "LazyLoader"}
    names = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        for alias in getattr(node, "names", [])
        if isinstance(alias, ast.alias)
    }
    called = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    return any(name.rpartition(".")[2] in words or name in words for name in names | called)


def test_type_checkers_read_the_modules_that_python_defers() -> None:
    for path in SOURCE:
        require_typed(path)


def require_typed(path: Path) -> None:
    tree = ast.parse(path.read_text())
    deferring = [branch for branch in branches(tree) if any(map(is_deferral, ast.walk(branch)))]
    for branch in deferring:
        assert read_by_type_checkers(branch) == read_by_python(branch), path
    typed = sum(len(read_by_python(branch)) for branch in deferring) + len(in_tables(tree))
    computed = [call for call in CALLS if call.module == dotted(path) and call.named.endswith("*")]
    assert typed + len(computed) == len([call for call in CALLS if call.module == dotted(path)]), path


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_deferred_module_exists_and_lies_below(call: Call) -> None:
    if call.named.endswith("*"):  # a computed name stays in the room
        assert call.named == f"{call.module.rpartition('.')[0]}.*"
        return
    assert find_spec(call.named)
    if call.named.startswith("rowferry."):
        assert keeps_to_the_contracts(call.module, call.named)


def keeps_to_the_contracts(importer: str, imported: str) -> bool:
    return all(KEEPS[contract["type"]](contract, importer, imported) for contract in CONTRACTS)


def is_within(module: str, packages: list[str]) -> str:
    return next((package for package in packages if module == package or module.startswith(f"{package}.")), "")


def keeps_layers(contract: dict[str, list[str]], importer: str, imported: str) -> bool:
    layers = [[f"rowferry.{name}" for name in layer.split(" | ")] for layer in contract["layers"]]
    above, below = (
        next((at, is_within(module, layer)) for at, layer in enumerate(layers) if is_within(module, layer))
        for module in (importer, imported)
    )
    return above[0] < below[0] or above == below


def keeps_independence(contract: dict[str, list[str]], importer: str, imported: str) -> bool:
    rooms = {is_within(module, contract["modules"]) for module in (importer, imported)}
    return len(rooms - {""}) < 2


def keeps_forbidden(contract: dict[str, list[str]], importer: str, imported: str) -> bool:
    return not (is_within(importer, contract["source_modules"]) and is_within(imported, contract["forbidden_modules"]))


KEEPS = {"layers": keeps_layers, "independence": keeps_independence, "forbidden": keeps_forbidden}


@pytest.mark.parametrize(
    ("importer", "imported", "keeps"),
    [
        ("rowferry.bootstrap", "rowferry.backends.sqlite.database", True),
        ("rowferry.cli.main", "rowferry.cli.load", True),
        ("rowferry.backends.sqlite.database", "rowferry.bootstrap", False),
        ("rowferry.cli.main", "rowferry.api.app", False),
        ("rowferry.backends.sqlite.stage", "rowferry.backends.postgresql.stage", False),
        ("rowferry.cli.tables", "rowferry.models", False),
    ],
)
def test_the_contracts_are_read_as_import_linter_reads_them(importer: str, imported: str, keeps: bool) -> None:
    assert keeps_to_the_contracts(importer, imported) == keeps


def test_a_module_is_imported_when_it_is_used() -> None:
    stand_in = lazy.module("json.tool")
    assert repr(stand_in) == "<json.tool, imported when it is used>"
    assert stand_in.main.__module__ == "json.tool"
    with pytest.raises(AttributeError):
        _ = stand_in.missing
    with pytest.raises(AttributeError):
        _ = stand_in.__wrapped__


def test_a_module_that_is_missing_is_missed_at_each_use() -> None:
    stand_in = lazy.module("rowferry.nowhere")
    for _ in range(2):
        with pytest.raises(ImportError, match="nowhere"):
            _ = stand_in.anything
