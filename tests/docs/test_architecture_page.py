"""The page about the architecture names modules that exist, draws every room, and its walks are short."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "rowferry"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")

DRAWING = PAGE.split("```mermaid\n")[1].split("```")[0]
WALKS = {walk.partition("\n")[0]: walk for walk in PAGE.split("## Five walks")[1].split("\n### ")[1:]}

MOST_MODULES = 12


def modules_of(text: str) -> list[str]:
    """The modules that a text names, such as `cli/load.py`."""
    return re.findall(r"`([\w/]+\.(?:py|js))`", text)


def layers() -> list[set[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (found,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [set(layer.split(" | ")) for layer in found]


def test_every_module_that_is_named_exists() -> None:
    assert len(modules_of(PAGE)) > 50
    assert [name for name in modules_of(PAGE) if not (PACKAGE / name).is_file()] == []


def test_every_room_is_drawn() -> None:
    drawn = {line.strip().partition("[")[0] for line in DRAWING.splitlines()}
    assert set().union(*layers()) - drawn == {"__main__"}


def test_the_drawing_goes_down_the_layers() -> None:
    drawn = [line.strip().partition("[")[0] for line in DRAWING.splitlines()]
    places = [max(drawn.index(room) for room in layer) for layer in layers()[1:]]
    assert places == sorted(places)


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_passes_a_dozen_modules_at_most(walk: str) -> None:
    steps = re.findall(r"^\d+\. (`\S+)", WALKS[walk], re.MULTILINE)
    assert 0 < len(steps) <= MOST_MODULES
    assert all(modules_of(step) for step in steps)


def test_there_are_five_walks() -> None:
    assert len(WALKS) == 5
