"""Writes docs/reference from the code, or with --check says whether it is current: python tests/docs/reference.py."""

import importlib
import inspect
import json
import sys
from dataclasses import fields
from pathlib import Path

import click
from private_interfaces import PRIVATE

from rowferry import errors
from rowferry.api.app import create_app
from rowferry.cli.main import COMMANDS
from rowferry.dictionary.catalog import load_catalog
from rowferry.dictionary.describe import describe
from rowferry.dictionary.faults import FAMILIES, MEANINGS
from rowferry.kinds.registry import KINDS
from rowferry.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"

EXIT_CODES = """Each takes `--help`; nearly all take `--json`. What they exit with: 0 done; 1 done, with rejected rows;
2 wrong usage; 3 failed, nothing changed. What was done has its code also where the outcome could not be written.
"""

PRIVATE_HEAD = """# Private interfaces of libraries

The documentation of these libraries promises nothing about these interfaces. `uv.lock` pins the libraries, and
`tests/architecture/test_private_interfaces.py` fails by name where an interface is gone or has changed, and where
another private module is imported. What databases define themselves is no private interface: the file format of SQLite
and the catalogs of PostgreSQL are documented, and the contract tests run on every supported version of both.

"""

KINDS_HEAD = """# Kinds of values

What columns of each SQLAlchemy type hold: how a value is spelled in files, what stands for it in JSON (where its text
is taken as well), and its type in backups, in which an optional column is `["null", T]`. An empty cell is a missing
value of any kind. `DateTime()` is a *local datetime*, `DateTime(timezone=True)` a *datetime*, that is, an instant.

"""

HEAD = "<!-- Written by `make docs` from the code. -->\n\n"


def table(heads: list[str], rows: list[list[str]]) -> str:
    escaped = [
        [cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in [heads, ["---"] * len(heads), *rows]
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in escaped)


def commands() -> str:
    parts = [f"# Commands\n\n{EXIT_CODES}"]
    for name in COMMANDS:
        command: click.Command = getattr(importlib.import_module(f"rowferry.cli.{name}"), name)
        parts.append(described(f"rowferry {name}", command))
        if isinstance(command, click.Group):
            parts.extend(
                described(f"rowferry {name} {subcommand}", inner) for subcommand, inner in command.commands.items()
            )
    return "".join(parts)


def described(name: str, command: click.Command) -> str:
    context = click.Context(command)
    rows = [[spelled(p, context), p.help or "", default_of(p)] for p in command.params if p.help]
    options = table(["option", "meaning", "default"], rows) if rows else ""
    return f"\n## {name}\n\n{inspect.cleandoc(command.help or '')}\n" + (options and f"\n{options}")


def spelled(parameter: click.Parameter, context: click.Context) -> str:
    """An argument or option with the values that it takes."""
    takes = parameter.make_metavar(context)
    if isinstance(parameter, click.Argument):
        return f"`{takes}`"
    is_flag = isinstance(parameter, click.Option) and parameter.is_flag
    text = f"`{', '.join(parameter.opts)}{'' if is_flag else ' ' + takes}`"
    if isinstance(parameter.type, click.IntRange):
        most = "" if parameter.type.max is None else f" to {parameter.type.max:,}"
        text += f" ({parameter.type.min}{most or ' or more'})"
    return text


def default_of(parameter: click.Parameter) -> str:
    shown = isinstance(parameter.default, str | int) and not isinstance(parameter.default, bool)
    return f"`{parameter.default}`" if shown else ""


def settings() -> str:
    rows = [
        [f"`{field.metadata['name']}`", f"`{field.default or 'none'}`", field.metadata["meaning"]]
        for field in fields(Settings)
    ]
    return "# Settings\n\nFrom the environment or `.env`.\n\n" + table(["name", "default", "meaning"], rows)


def reject_codes() -> str:
    rows = [[f"`{code}`", meaning] for code, meaning in (*MEANINGS.items(), *FAMILIES.items())]
    return "# Reject codes\n\nWhy a row is rejected. Codes are never renamed or reused.\n\n" + table(
        ["code", "meaning"], rows
    )


def error_codes() -> str:
    found = [error for error in every_error() if "code" in vars(error)]
    both = sorted((error.code, error.__doc__ or "", error.hint) for error in found)
    rows = [[f"`{code}`", *(text.replace("{{", "{").replace("}}", "}") for text in texts)] for code, *texts in both]
    return "# Errors\n\nOf commands and, as problem details (RFC 9457), of the API.\n\n" + table(
        ["code", "message", "what to do"], rows
    )


def every_error(root: type[errors.RowferryError] = errors.RowferryError) -> set[type[errors.RowferryError]]:
    """The errors of all modules, whether or not the package names them; the commands and the API import every one."""
    return {further for found in root.__subclasses__() if is_ours(found) for further in (found, *every_error(found))}


def is_ours(error: type) -> bool:
    return error.__module__.startswith("rowferry.")


def endpoints() -> str:
    rows = [
        [f"`{method.upper()} {path}`", operation.get("summary", ""), ", ".join(operation["responses"])]
        for path, item in create_app().openapi()["paths"].items()
        for method, operation in item.items()
    ]
    return "# Endpoints\n\nTry them at `/docs`.\n\n" + table(["endpoint", "does", "answers"], rows)


def tables() -> str:
    parts = ["# Tables\n"]
    for table_described in map(describe, load_catalog("rowferry.models")):
        rows = [[f"`{c['name']}`", c["type"], c["rule"], c["doc"]] for c in table_described["columns"]]
        parts.append(
            f"\n## {table_described['name']}\n\n{table_described['doc']}\n\n"
            + table(["column", "type", "rule", "meaning"], rows)
        )
    return "".join(parts)


def kinds() -> str:
    rows = []
    for each in KINDS:
        kind, arrow = each.of(each.sample), each.arrow(each.sample)
        types = ", ".join(f"`{found}`" for found in [repr(each.sample), *(m.__name__ for m in each.sql_types[1:])])
        avro = kind.avro(arrow)
        spelled = avro if isinstance(avro, str) else json.dumps(avro)
        rows.append([kind.name, types, kind.noun, f"`{json.dumps(kind.example)}`", f"`{spelled}`", kind.kept])
    heads = ["kind", "type, for example", "text", "JSON", "Avro", "what databases keep"]
    return KINDS_HEAD + table(heads, rows)


def private_interfaces() -> str:
    rows = [
        [f"`{each.name}` of {each.library}", f"`{each.used_in}`", each.reason, each.instead]
        for each in sorted(PRIVATE, key=lambda interface: interface.name)
    ]
    return PRIVATE_HEAD + table(["interface", "used in", "because", "public alternative"], rows)


def pages() -> dict[Path, str]:
    """Every page of the reference, by file."""
    made = {
        "commands.md": commands(),
        "settings.md": settings(),
        "reject-codes.md": reject_codes(),
        "errors.md": error_codes(),
        "endpoints.md": endpoints(),
        "tables.md": tables(),
        "kinds.md": kinds(),
        "private-interfaces.md": private_interfaces(),
    }
    return {FOLDER / name: HEAD + text for name, text in made.items()}


def stale() -> list[str]:
    """The pages that differ from the code."""
    return [path.name for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]


def main() -> None:
    if "--check" in sys.argv:
        if found := stale():
            sys.exit(f"docs/reference is not current: {', '.join(found)}. Run `make docs`.")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
