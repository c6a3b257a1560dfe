"""Log files that several processes write to and rotate, and lines that command nobody's terminal."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path

import pytest

from rowferry.errors import SettingInvalid
from rowferry.events import RowsJudged, RowsRejected
from rowferry.observers.lines import HumanLines, JsonLines
from rowferry.observers.log_file import KEPT_FILES, LogFile
from rowferry.observers.logging import REQUEST_ID, Log

WRITER = """
import sys
from pathlib import Path
from rowferry.observers.log_file import LogFile
file = LogFile(Path(sys.argv[1]), most_bytes=60_000)
for number in range(2_000):
    file.write(f"{sys.argv[2]} {number:06} " + "x" * 40 + "\\n")
"""


def test_processes_that_rotate_a_file_lose_no_line_and_cut_none(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "load.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    files = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, KEPT_FILES))]
    assert sorted(file.name for file in path.parent.iterdir() if file.name[0] != ".") == sorted(f.name for f in files)
    lines = [line for file in reversed(files) for line in file.read_text().splitlines()]
    assert all(len(line) == 49 for line in lines)
    for name in "ab":
        numbers = [int(line[2:8]) for line in lines if line[0] == name]
        assert numbers == list(range(2_000))
    # What one process is writing while the other puts the file aside goes to that file, so that nothing is lost.
    assert all(file.stat().st_size <= 60_000 + 50 for file in files)


def test_a_log_that_somebody_moved_or_removed_goes_on(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.jsonl")
    file.write("one\n")
    (tmp_path / "a.jsonl").rename(tmp_path / "moved")
    file.write("two\n")
    (tmp_path / "a.jsonl").unlink()
    file.write("three\n")
    file.close()
    assert (tmp_path / "moved").read_text() == "one\n"
    assert (tmp_path / "a.jsonl").read_text() == "three\n"


@pytest.mark.parametrize("most_bytes", [1_000, 8])
def test_work_goes_on_without_its_folder_which_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], most_bytes: int
) -> None:
    """Also where a file is just about to be put aside; the log goes on when its folder is back."""
    file = LogFile(tmp_path / "logs" / "a.jsonl", most_bytes)
    file.write("one\n")
    for _ in range(2):
        (tmp_path / "logs").rename(tmp_path / "gone")
        file.write("two and more\n")
        file.write("three and more\n")
        (tmp_path / "gone").rename(tmp_path / "logs")
    file.write("four\n")
    file.close()
    assert file.path.read_text().endswith("four\n")
    told = capsys.readouterr().err
    assert told.count("Work continues") == 1
    assert str(file.path) in told


@pytest.mark.parametrize("instead", [Path.touch, Path.mkdir])
def test_work_goes_on_whatever_stands_where_the_log_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], instead: Callable[[Path], None]
) -> None:
    """A file where its folder was, a folder where the log was."""
    file = LogFile(tmp_path / "logs" / "a.jsonl")
    file.path.unlink()
    if instead is Path.touch:
        file.path.parent.rmdir()
    instead(file.path.parent if instead is Path.touch else file.path)
    file.write("one\n")
    file.write("two\n")
    file.close()
    assert capsys.readouterr().err.count("Work continues") == 1


def test_work_goes_on_where_nobody_hears_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LogFile(tmp_path / "logs" / "a.jsonl")
    shutil.rmtree(tmp_path / "logs")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as unheard, TextIOWrapper(unheard, write_through=True) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        file.write("one\n")
    file.write("two\n")
    file.close()


def test_a_folder_that_cannot_be_written_to_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingInvalid, match="LOG_DIR"):
        LogFile(tmp_path / "file" / "a.jsonl")


def test_a_rejected_row_is_told_with_load_row_column_and_code(tmp_path: Path) -> None:
    REQUEST_ID.set("r-1")
    log = Log(tmp_path, "full_bulk_insert")
    faults = (("job_id", "value.required"), (None, "row.quote"))
    log(RowsRejected("load-1", "jobs", 'a\x1b[2J\x7f"\n.csv', ((7, faults), (9, faults[:1]))))
    log(RowsJudged("load-1", "jobs", "jobs.csv", 1, 1, 1, 0))
    log.close()
    text = (tmp_path / "full_bulk_insert.jsonl").read_text()
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    first, second = map(json.loads, text.splitlines())
    assert first.pop("time")
    assert first == {
        "level": "info",
        "operation": "full_bulk_insert",
        "event": "RowRejected",
        "id": "load-1",
        "request_id": "r-1",
        "table": "jobs",
        "source": 'a\x1b[2J\x7f"\n.csv',
        "row_number": 7,
        "faults": [["job_id", "value.required"], [None, "row.quote"]],
    }
    assert (second["row_number"], second["faults"]) == (9, [["job_id", "value.required"]])


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("library", logging.WARNING, "", 0, message, (), None)
    made.fields = fields
    return made


def test_what_libraries_say_takes_the_same_shape() -> None:
    told = json.loads(JsonLines().format(record("two\nlines", request_id="x")))
    assert (told["level"], told["logger"], told["event"], told["request_id"]) == (
        "warning",
        "library",
        "two\nlines",
        "x",
    )


def test_people_get_words_and_nothing_that_commands_their_terminal() -> None:
    line = HumanLines().format(record("path\x1b[31m\nnext", path="/a\x07\u202e", nothing=None))
    assert line.isprintable()
    assert line.endswith("WARNING path\\x1b[31m\\nnext  path=/a\\x07\\u202e")


def test_what_went_wrong_unexpectedly_is_one_line_of_json_and_readable_for_people() -> None:
    try:
        int("because\x1b")
    except ValueError:
        made = logging.LogRecord("x", logging.ERROR, "", 0, "broke", (), sys.exc_info())
    assert "because" in json.loads(JsonLines().format(made))["exception"]
    lines = HumanLines().format(made).splitlines()
    assert lines[-1].startswith("    ValueError: ")
    assert all(line.isprintable() for line in lines)
