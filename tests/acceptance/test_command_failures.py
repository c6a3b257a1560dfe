"""What a command does when something is wrong with its words, its output or itself: a clear answer, the right code."""

import gzip
import json
import os
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from command_server import run_text
from rowferry.cli.options import at_database

ROWFERRY = str(Path(sys.executable).with_name("rowferry"))

AS_OTHERS = [] if os.geteuid() else ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
"""Root may read everything, unless it gives that up."""

BROKEN = """
import sys
import rowferry.ledger

def fail(*_):
    raise ZeroDivisionError("this was not foreseen")

rowferry.ledger.list_loads = fail
from rowferry.cli.main import main
main()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    database = {"SQLALCHEMY_DATABASE_URL": f"sqlite:///{tmp_path}/rows.db"}
    return os.environ | {"LOG_DIR": str(tmp_path / "logs"), "COLUMNS": "160"} | database


def run(environment: dict[str, str], *words: object, program: str | None = None) -> subprocess.CompletedProcess[str]:
    if program is None:
        return run_text(*words, env=environment)
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)


def load_wrong_rows(environment: dict[str, str], folder: Path) -> None:
    path = folder / "departments.csv"
    path.write_text("1,Äpfel\nx,Größe 😀 €\n", "utf-8")
    assert run(environment, "load", path).returncode == 1


def test_what_nobody_foresaw_is_an_error_like_others(environment: dict[str, str], tmp_path: Path) -> None:
    ran = run(environment, "loads", program=BROKEN)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr.startswith("Error: An unexpected error occurred.")
    assert "Traceback" not in ran.stderr
    assert f"the last line of {tmp_path}/logs/command.jsonl" in ran.stderr
    (line,) = (tmp_path / "logs" / "command.jsonl").read_text().splitlines()
    logged = json.loads(line)
    assert logged["command"] == "loads"
    assert "Traceback" in logged["exception"]
    assert "this was not foreseen" in logged["exception"]


def test_what_nobody_foresaw_is_told_as_json_too(environment: dict[str, str]) -> None:
    ran = run(environment, "loads", "--json", program=BROKEN)
    assert (ran.returncode, ran.stderr) == (3, "")
    assert json.loads(ran.stdout)["error"]["code"] == "unexpected"


def test_what_nobody_foresaw_without_a_log(environment: dict[str, str]) -> None:
    ran = run(environment | {"LOG_DIR": "/proc/nowhere"}, "loads", program=BROKEN)
    assert ran.returncode == 3
    assert "Traceback" not in ran.stderr
    assert "LOG_DIR is not writable" in ran.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_output_that_has_not_all_letters(environment: dict[str, str], tmp_path: Path, encoding: str) -> None:
    load_wrong_rows(environment, tmp_path)
    narrow = environment | {"PYTHONIOENCODING": encoding}
    words = ["rejects", "--json"]
    ran = subprocess.run([ROWFERRY, *words], capture_output=True, env=narrow, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert json.loads(ran.stdout.decode("ascii"))["rejects"][0]["raw"] == "x,Größe 😀 €"
    shown = subprocess.run([ROWFERRY, "rejects"], capture_output=True, env=narrow, check=False, timeout=60)
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert r"\U0001f600" in shown.stdout.decode(encoding)
    batch = tmp_path / "batch.json"
    batch.write_text('{"departments": [{"id": 1.00, "department": "😀"}]}', "utf-8")
    sent = subprocess.run(
        [ROWFERRY, "batch", batch, "--json"], capture_output=True, env=narrow, check=False, timeout=60
    )
    assert (sent.returncode, sent.stderr) == (1, b"")
    assert json.loads(sent.stdout.decode("ascii"))["rejected"]


def test_the_demo_in_ascii(environment: dict[str, str], tmp_path: Path) -> None:
    narrow = environment | {"PYTHONIOENCODING": "ascii"}
    ran = subprocess.run([ROWFERRY, "demo"], cwd=tmp_path, capture_output=True, env=narrow, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.isascii()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_that_is_not_in_the_encoding_that_was_named(
    environment: dict[str, str], tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "d.csv"
    path.write_text("1,Sales\n")
    ran = run(environment, "load", path, "--table", "departments", "--encoding", encoding, "--json")
    assert ran.returncode == 3
    told = json.loads(ran.stdout)["error"]
    assert (told["code"], encoding in told["message"]) == ("source.not_text", True)


def test_a_service_whose_log_cannot_be_written(environment: dict[str, str]) -> None:
    ran = run(environment | {"LOG_DIR": "/proc/nowhere"}, "serve", "--port", 0)
    assert ran.returncode == 2
    assert ran.stderr.startswith("Error: The setting LOG_DIR is not valid: cannot write to /proc/nowhere")
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("what", ["departments.csv", "folder", "folder/departments.csv"])
@pytest.mark.parametrize("named", ["departments.csv", "folder"])
def test_what_cannot_be_read_is_told_alike(environment: dict[str, str], tmp_path: Path, what: str, named: str) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "departments.csv", tmp_path / "folder" / "departments.csv"):
        path.write_text("1,Sales\n")
    (tmp_path / what).chmod(0)
    try:
        ran = subprocess.run(
            [*AS_OTHERS, ROWFERRY, "load", tmp_path / named, "--json"],
            env=environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
    finally:
        (tmp_path / what).chmod(0o700)
    if what.startswith(named):
        assert (ran.returncode, ran.stderr) == (3, b"")
        assert json.loads(ran.stdout)["error"]["code"] == "source.unreadable"
    else:
        assert ran.returncode == 0


def test_tables_of_a_module_in_the_current_folder(environment: dict[str, str], tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "own-tables.md").read_text("utf-8")
    (tmp_path / "mytables.py").write_text(page.split("```python\n")[1].split("```")[0], "utf-8")
    (tmp_path / "json.py").write_text("raise RuntimeError('this hides a library')")
    shown = [
        subprocess.run(
            [ROWFERRY, "tables", "--json"],
            cwd=tmp_path,
            env=environment | {"ROWFERRY_MODELS": name},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        for name in ("mytables", "myrabbles")
    ]
    assert [(ran.returncode, ran.stderr) for ran in shown] == [(0, ""), (2, "")]
    assert [table["name"] for table in json.loads(shown[0].stdout)["tables"]] == ["ships", "trips"]
    assert "current folder" in json.loads(shown[1].stdout)["error"]["hint"]


def test_commands_that_are_named_use_the_same_database(environment: dict[str, str], tmp_path: Path) -> None:
    path, url = tmp_path / "departments.csv", f"sqlite:///{tmp_path}/other.db"
    path.write_text("1,Sales\nx,Wrong\n")
    at = ("--database-url", url)
    assert f"Make the first one: rowferry load FOLDER --database-url {url}" in run(environment, "loads", *at).stdout
    loaded = run(environment, "load", path, *at).stdout
    named = loaded.partition("See each with `rowferry ")[2].partition("`")[0].split()
    assert "x,Wrong" in run(environment, *named).stdout
    corrected = run(environment, "rejects", "--csv", tmp_path / "to correct.csv", *at).stdout
    words = shlex.split(corrected.partition("then: rowferry ")[2])
    assert run(environment, *words).returncode == 1


HINTS = {
    "a command": (["loads", "--database-url", "{url}", "--limit", "0"], "`rowferry loads --help`"),
    "rejects before any load": (["rejects", "--database-url={url}"], "`rowferry load --database-url {url}`"),
    "an unknown load": (["rejects", "x", "--database-url", "{url}"], "`rowferry loads --database-url {url}`"),
    "no URL": (["loads", "--database-url", "nonsense"], "`rowferry settings`"),
    "a port that is none": (["loads", "--database-url", "postgresql://here:port/x"], "`rowferry settings`"),
    "nothing behind it": (["rejects", "--database-url"], "`rowferry rejects --help`"),
}


@pytest.mark.parametrize("case", HINTS)
def test_hints_name_commands_that_use_the_same_database(environment: dict[str, str], tmp_path: Path, case: str) -> None:
    words, told = HINTS[case]
    url = f"sqlite:///{tmp_path}/other.db"
    ran = run(environment, *(word.format(url=url) for word in words))
    assert ran.returncode == 2
    assert told.format(url=url) in ran.stderr.partition("Hint: ")[2]
    as_json = run(environment, words[0], "--json", *(word.format(url=url) for word in words[1:]))
    assert told.format(url=url) in json.loads(as_json.stdout)["error"]["hint"]


def test_a_password_is_not_repeated() -> None:
    assert at_database("postgresql://me:hidden@host/base") == " --database-url URL"
    assert at_database("postgresql://host/base?password=hidden") == " --database-url URL"
    assert at_database("sqlite:///a b.db") == " --database-url 'sqlite:///a b.db'"
    assert at_database(None) == ""


def test_a_dry_run_names_no_load_that_was_never_kept(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "departments.csv"
    path.write_text("x,Wrong\n")
    for words, named in (["--dry-run"], False), ([], True):
        ran = run(environment, "load", path, "--all-or-nothing", *words)
        assert ran.returncode == 3
        assert ("rowferry rejects load-" in ran.stderr) is named


WORDED: dict[str, tuple[str, int, str, str]] = {
    "a compressed file that is cut off": ("load {cut}", 3, "source.unreadable", "incomplete or damaged"),
    "no batch file": ("batch nowhere.json", 2, "path.missing", "Check the spelling, and the folder"),
    "no Avro file": ("restore jobs --unverified --backup nowhere.avro", 2, "path.missing", "Check the spelling, and"),
    "nothing to keep": ("backups prune", 2, "backup.nothing_kept", "--keep-last N"),
    "unverified, of a backup": ("restore jobs --unverified", 2, "option.invalid", "--backup FILE"),
    "a database in memory": ("loads --database-url sqlite://", 2, "database.unsupported", "sqlite:///FILE"),
    "rejects before any load": ("rejects", 2, "load.none_yet", "rowferry load"),
}


@pytest.mark.parametrize("case", WORDED)
def test_hints_lead_to_the_cause(environment: dict[str, str], tmp_path: Path, case: str) -> None:
    words, code, error, hint = WORDED[case]
    cut = tmp_path / "departments.csv.gz"
    cut.write_bytes(gzip.compress("".join(f"{at},Department {at * at}\n" for at in range(1_000)).encode())[:2_000])
    ran = run(environment, *words.format(cut=cut).split(), "--json")
    assert (ran.returncode, ran.stderr) == (code, "")
    told = json.loads(ran.stdout)["error"]
    assert (told["code"], hint in told["hint"]) == (error, True), told
    assert not {"'true'", "'everything'", "in memory'"} & set(told["message"].split())


def test_rejects_of_a_table_that_does_not_exist(environment: dict[str, str], tmp_path: Path) -> None:
    load_wrong_rows(environment, tmp_path)
    for words in ([], ["--csv", tmp_path / "x.csv"]):
        ran = run(environment, "rejects", "--table", "nosuch", "--json", *words)
        assert (ran.returncode, json.loads(ran.stdout)["error"]["code"]) == (2, "table.unknown")
    assert run(environment, "rejects", "--table", "jobs").returncode == 0


def test_the_database_and_the_files_of_a_load_are_not_written_over(environment: dict[str, str], tmp_path: Path) -> None:
    load_wrong_rows(environment, tmp_path)
    source, database, link = tmp_path / "departments.csv", tmp_path / "rows.db", tmp_path / "link.csv"
    link.symlink_to(source)
    before = source.read_bytes()
    for words in (
        ["rejects", "--csv", source],
        ["rejects", "--csv", link],
        ["rejects", "--csv", database],
        ["report", "hires-by-quarter", "--format", "csv", "--output", database],
    ):
        ran = run(environment, *words, "--json")
        assert (ran.returncode, json.loads(ran.stdout)["error"]["code"]) == (2, "output.taken"), words
    assert source.read_bytes() == before
    corrected = tmp_path / "to-correct.csv"
    for _ in range(2):
        assert run(environment, "rejects", "--csv", corrected).returncode == 0
        assert run(environment, "load", corrected, "--table", "departments").returncode == 1


def test_a_database_that_differs_is_told_in_words(environment: dict[str, str], tmp_path: Path) -> None:
    assert run(environment, "db", "upgrade").returncode == 0
    with closing(sqlite3.connect(tmp_path / "rows.db")) as database:
        database.execute("DROP INDEX ix_rowferry_loads_started_at")
    ran = run(environment, "db", "check")
    assert ran.returncode == 3
    assert ran.stderr.startswith(
        "Error: The database differs from the tables of this program: rowferry_loads lacks the"
    )


@pytest.mark.parametrize("words", ["load", "rejects", "backup", "restore", "report hires-by-quarter"])
def test_help_tells_defaults(environment: dict[str, str], words: str) -> None:
    assert "(default: " in " ".join(run(environment, *words.split(), "--help").stdout.split())


MISUSED = {
    "an unknown option": (["load", "--nope"], "No such option '--nope'", "rowferry load --help"),
    "an option of one letter": (["load", "-x"], "No such option '-x'", "rowferry load --help"),
    "an option that is nearly one": (["load", "--dry-rum"], "Did you mean '--dry-run'?", "rowferry load --help"),
    "a value of a flag": (["load", "--dry-run=yes"], "'--dry-run' does not take a value", "rowferry load --help"),
    "a bad value": (
        ["load", "--on-conflict", "nope"],
        "Invalid value for '--on-conflict': 'nope' is not one of 'reject', 'skip', 'update'",
        "rowferry load --help",
    ),
    "a codec that is none": (["backup", "--codec", "zip"], "'zip' is not one of 'deflate', ", "rowferry backup --help"),
    "a number out of range": (["loads", "--limit", "0"], "'--limit': 0 is not in the range", "rowferry loads --help"),
    "a number below zero": (
        ["backups", "prune", "--keep-last", "-1"],
        "Invalid value for '--keep-last': -1 is not in the range x>=0",
        "rowferry backups prune --help",
    ),
    "no integer": (["loads", "--limit", "3.5"], "'3.5' is not a valid integer", "rowferry loads --help"),
    "an unknown command": (["nope"], "No such command 'nope'", "rowferry --help"),
    "a command that is nearly one": (["tabels"], "No such command 'tabels'. Did you mean 'tables'?", "rowferry --help"),
    "one of two commands": (["laod"], "Did you mean one of: 'load', 'loads'?", "rowferry --help"),
    "an unknown option of all": (["--nope", "loads"], "No such option --nope before the command", "rowferry --help"),
    "a missing argument": (["restore"], "Missing argument 'TABLE'", "rowferry restore --help"),
    "a missing file": (["batch"], "Missing argument 'FILE'", "rowferry batch --help"),
    "an argument too many": (["restore", "jobs", "x"], "unexpected extra argument (x)", "rowferry restore --help"),
    "a missing command": (["db"], "Missing command", "rowferry db --help"),
    "an unknown command of a command": (["backups", "nope"], "No such command 'nope'", "rowferry backups --help"),
}


@pytest.mark.parametrize("case", MISUSED)
def test_words_that_make_no_command(environment: dict[str, str], case: str) -> None:
    words, message, hint = MISUSED[case]
    ran = run(environment, *words)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("Error: ")
    assert message in ran.stderr
    assert f"Hint: See `{hint}`." in ran.stderr
    assert ran.stderr.splitlines()[0].endswith((".", "?", "?)"))
    assert "?." not in ran.stderr
    if case != "a missing command":  # there, --json is an unknown option
        ran = run(environment, *words, "--json")
        assert (ran.returncode, ran.stderr) == (2, "")
        told = json.loads(ran.stdout)["error"]
        assert (told["code"], message in told["message"], told["hint"]) == ("usage", True, f"See `{hint}`.")


@pytest.mark.parametrize("words", ["--version", "load --help", "loads --json", "nosuch"])
def test_the_package_is_the_program_too(environment: dict[str, str], words: str) -> None:
    command = run(environment, *words.split())
    module = run(environment, *words.split(), program="import runpy; runpy.run_module('rowferry', run_name='__main__')")
    assert (command.returncode, command.stdout, command.stderr) == (module.returncode, module.stdout, module.stderr)
    assert "rowferry" in command.stdout + command.stderr or words == "loads --json"


@pytest.mark.parametrize("words", [["load", ""], ["rejects", ""], ["load", "--table="], ["backups", "--table", ""]])
def test_an_empty_word_is_not_as_good_as_none(environment: dict[str, str], words: list[str]) -> None:
    ran = run(environment, *words)
    assert ran.returncode == 2
    assert "One of its arguments is empty" in ran.stderr
    assert f"Hint: See `rowferry {words[0]} --help`." in ran.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--json load", "No such option --json before the command; options of a command come after it"),
        ("load --on-conflict", "rowferry load --help"),
        ("backups --table jobs prune --keep-last 1", "Put the options of prune after it"),
        ("backups --json prune", "Put the options of prune after it"),
        ("load --database-url sqlite:///t.db?timeout=abc", "its options cannot be used: could not convert"),
        ("report hires-by-quarter --format table --output x.csv", "--output"),
        ("report hires-by-quarter --output --json", "'--json' is not a file name; use /dev/stdout, or ./--json"),
        ("rejects --csv --json", "'--json' is not a file name"),
        ("rejects --csv -", "'-' is not a file name; use /dev/stdout, or ./-"),
    ],
)
def test_words_in_the_wrong_place(environment: dict[str, str], words: str, told: str) -> None:
    ran = run(environment, *words.split())
    assert ran.returncode == 2
    assert told in ran.stderr + ran.stdout


def test_an_id_that_is_no_text(environment: dict[str, str]) -> None:
    ran = subprocess.run([ROWFERRY, "rejects", b"\xff"], env=environment, capture_output=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr.count(b"There is no load")) == (2, 1)
