"""The documentation says what the code does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from reference import stale

from command_server import run_text
from rowferry.cli.main import COMMANDS
from rowferry.dictionary.faults import MEANINGS, RejectCode
from rowferry.samples import write_samples

ROOT = Path(__file__).parents[2]


def test_the_reference_is_current() -> None:
    assert stale() == []


def test_every_reject_code_is_explained() -> None:
    assert list(MEANINGS) == list(RejectCode)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    shown = run_text(command, "--help", env=os.environ)
    assert "Usage: rowferry" in shown.stdout
    assert (shown.returncode, shown.stderr) == (0, "")


def test_the_sample_files_are_those_of_the_generator(tmp_path: Path) -> None:
    write_samples(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (ROOT / "data" / path.name).read_bytes(), path.name


def test_links_of_the_documentation_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def _shell_blocks(page: Path) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/quickstart.md",
        "docs/howto/batches.md",
        "docs/howto/backups.md",
        "docs/howto/restore.md",
        "docs/howto/deploy.md",
        "docs/howto/upgrade.md",
    ],
)
def test_the_commands_of_a_page_run(page: str, tmp_path: Path) -> None:
    """All but those that install or run this very suite, in a copy of the sample data."""
    write_samples(tmp_path / "data")
    lines = [line for block in _shell_blocks(ROOT / page) for line in block.splitlines()]
    ran = 0
    for line in lines:
        command = line.removeprefix("pip install uv && ").removeprefix("uv run ")
        if not command.startswith(("rowferry ", "printf ")) or " serve" in command:
            continue
        program = str(Path(sys.executable).with_name("rowferry"))
        found = subprocess.run(
            command.replace("rowferry ", f"{program} ", 1),
            shell=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode in (0, 1), f"{line}\n{found.stderr}"
        assert found.stderr == "", line
        ran += 1
    assert ran > 0
