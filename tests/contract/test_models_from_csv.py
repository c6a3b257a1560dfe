"""What is proposed for CSV files is what is in them: it can be served, and all their rows go in."""

import gzip
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from databases import NewDatabase
from loading import Tables
from rowferry.bootstrap import Service, faults_of, open_backend
from rowferry.drafts.from_csv import draft_of_files
from rowferry.drafts.module import module_text
from rowferry.errors import FolderEmpty, HeaderUnfit, PathMissing, SourceAmbiguous, SourceUnreadable
from rowferry.settings import read_settings
from rowferry.sources.csv.form import csv_form

ROWFERRY = Path(sys.executable).with_name("rowferry")

Proposed = Callable[..., str]


@pytest.fixture
def proposed(new_service: Callable[..., Service], new_database: NewDatabase, tmp_path: Path) -> Iterator[Proposed]:
    """Proposes a module for files, given by name and text, and loads them with it: all their rows have to go in."""
    before, path = set(sys.modules), list(sys.path)
    settings = read_settings(new_database())
    backend, dialect = open_backend(settings), settings.url.get_backend_name()

    def propose(
        files: dict[str, str], *, rejected: int = 0, most_rows: int = 1_000, load: bool = True, **said: str
    ) -> str:
        folder = tmp_path / "files"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        draft = draft_of_files(
            folder, lambda found: faults_of(found, backend, dialect), csv_form(**said), "utf-8", most_rows
        )
        text = module_text(draft, "Tables.")
        module = tmp_path / "proposed_tables.py"
        module.write_text(text)
        if load:
            tables = Tables(new_service(str(module)), tmp_path)
            receipt = tables.load(folder)
            assert receipt.total("rejected") == rejected, [row["errors"] for row in tables.rejects()]
        assert_clean(module)
        return text

    yield propose
    backend.engine.dispose()
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def assert_clean(module: Path) -> None:
    """Neither a linter nor a formatter finds anything in a module."""
    ruff = Path(sys.executable).with_name("ruff")
    for words in (["check", "--isolated", "--select", "E,F,I,UP,N,RUF100,PIE"], ["format", "--isolated", "--diff"]):
        ran = subprocess.run([ruff, *words, module], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def lines_of(text: str, column: str) -> list[str]:
    """The comments above a column, and the column, without line breaks."""
    flat = re.sub(
        r",?\n +(?=\))|(?<=\()\n +|(?<=,)\n +(?=[\w(])", lambda found: " " if found[0][0] not in ",\n" else "", text
    )
    lines = [line.strip() for line in flat.splitlines()]
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{column}: Mapped"))
    first = at
    while lines[first - 1].startswith("#"):
        first -= 1
    return [
        *(line.removeprefix("# ") for line in lines[first:at]),
        lines[at].partition(" = ")[2].replace(", ", ",").replace(",", ", "),
    ]


def test_the_real_input_gets_its_keys_and_references(proposed: Proposed, globant: Path) -> None:
    text = proposed({path.name: path.read_text("utf-8") for path in globant.iterdir()}, most_rows=10_000)
    assert lines_of(text, "column_4") == [
        "12 of 1,978 distinct, 21 of 1,999 missing",
        "all values are in departments.column_1 (12 of 12 of those)",
        'mapped_column(sa.Integer(), sa.ForeignKey("departments.column_1"))',
    ]
    assert lines_of(text, "column_5")[1] == "all values are in jobs.column_1 (172 of 183 of those)"
    assert lines_of(text, "column_3")[1] == "mapped_column(sa.DateTime(timezone=True))"
    assert "# all 1,999 rows were read; the first row was read as data" in text


FILES = {
    "customers.csv": "CustomerID,Company Name,zip,since,class,is active\n"
    + "ALFKI,Alfreds,01234,2020-01-31,a,true\nBERGS,Berglunds,12345,1999-12-31,b,false\n"
    "CACTU,Cactus,00001,2021-02-03,a,true\n",
    "orders.csv.gz": "id;customer id;total;weight;shipped;note;remote\n"
    + "".join(f"{at};{['ALFKI', 'BERGS'][at % 2]};{at}.50;1e{at};;;{at}\n" for at in range(1, 9)),
    "order_lines.csv": "order,line,CustomerID,qty\n"
    + "".join(f"{1 + at // 2},{at % 2},ALFKI,{10**at}\n" for at in range(12)),
}


def test_columns_are_named_typed_and_referred_to_by_their_headers(proposed: Proposed) -> None:
    text = proposed({name: source.replace(";", ",") for name, source in FILES.items()})
    assert lines_of(text, "CustomerID")[-1] == "mapped_column(sa.String(50), primary_key=True)"
    assert lines_of(text, "Company_Name")[-1] == 'mapped_column("Company Name", sa.String(50))'
    assert lines_of(text, "zip") == [
        "3 of 3 distinct, none missing, at most 5 characters, text because of 01234",
        "mapped_column(sa.String(50))",
    ]
    assert lines_of(text, "since")[-1] == "mapped_column(sa.Date())"
    assert lines_of(text, "class_")[-1] == 'mapped_column("class", sa.String(50))'
    assert lines_of(text, "is_active")[-1] == 'mapped_column("is active", sa.Boolean())'
    assert lines_of(text, "id")[-1] == "mapped_column(sa.Integer(), primary_key=True, autoincrement=False)"
    assert lines_of(text, "total")[-1] == "mapped_column(sa.Numeric(precision=6, scale=2))"
    assert lines_of(text, "weight")[-1] == "mapped_column(sa.Double())"
    assert lines_of(text, "shipped") == [
        "no value in 8 rows, so nothing is known of it",
        "mapped_column(sa.String(50))",
    ]
    assert 'sa.ForeignKey("customers.CustomerID")' in lines_of(text, "customer_id")[-1]
    assert lines_of(text, "remote")[-1] == "mapped_column(sa.Integer())"
    assert lines_of(text, "order")[1:] == [
        "all values are in orders.id (6 of 8 of those)",
        'mapped_column(sa.Integer(), sa.ForeignKey("orders.id"), primary_key=True)',
    ]
    assert lines_of(text, "line")[-1] == "mapped_column(sa.Integer(), primary_key=True)"
    assert lines_of(text, "qty")[-1] == "mapped_column(sa.BigInteger())"
    assert "no column is unique by itself, but order, line together are" in text


def test_a_delimiter_is_found_and_told(proposed: Proposed) -> None:
    text = proposed(FILES, load=False)
    assert "orders.csv.gz is separated by ';': load it with --delimiter" in text.replace("\n# ", " ")
    assert "class Orders(Base)" in text


def test_what_only_some_rows_show_is_told_as_that(proposed: Proposed) -> None:
    rows = "".join(f"{at},x\n" for at in range(100_000))
    text = proposed({"numbers.csv": rows}, most_rows=10)
    read = re.search(r"# the first ([0-9,]+) rows were read", text)
    assert read
    assert 10 <= int(read[1].replace(",", "")) < 100_000
    assert f"{read[1]} of {read[1]} distinct of the first rows, none missing" in text


@pytest.mark.parametrize(
    ("file", "said", "told"),
    [
        ("a,a\n1,2\n", {}, "column_1"),
        ("name,city\nAnn,Rome\n", {}, "name"),
        ("Ann Lee,Rome\nBen Fox,Oslo\n", {}, "column_1"),
        ("Ann Lee,Rome\nBen Fox,Oslo\n", {"header": "yes"}, "Ann_Lee"),
        ("name,city\nAnn,Rome\n", {"header": "no"}, "column_1"),
        ("sep=;\nid;a\n1;x\n", {}, "id"),
        ("id\n7\n8\n", {}, "id"),
        ("id,n\n1,-\n2,5\n", {"null": ("-",)}, "id"),
        ('id,text\n1,"a\nb"\n2,"c ""d"""\n3,x,y\n', {"rejected": 1}, "id"),
    ],
)
def test_a_header_is_what_is_like_names(proposed: Proposed, file: str, said: dict[str, object], told: str) -> None:
    text = proposed(
        {"things.csv": file}, load="sep=" not in file and "null" not in said and "header" not in said, **said
    )
    assert re.search(rf"^    {told}: Mapped", text, re.MULTILINE), text


def test_a_table_without_a_key_is_left_out_or_written_as_it_is(proposed: Proposed) -> None:
    text = proposed(
        {"events.csv": "day,what\n2020-01-01,x\n2020-01-01,x\n", "empty.csv": "", "keys.csv": "id\n1\n2\n"}, load=False
    )
    assert "# events is not served: events has no primary key" in text or "no column is unique and without" in text
    assert "# empty is left out: the file has no rows" in text


def test_nothing_is_proposed_that_the_rows_contradict(proposed: Proposed) -> None:
    made = random.Random(7)
    pools: list[Callable[[], str]] = [
        lambda: str(made.randrange(10 ** made.randrange(1, 19))),
        lambda: f"{made.randrange(1000)}.{made.randrange(10 ** made.randrange(1, 6))}",
        lambda: f"{made.random() * 10 ** made.randrange(-20, 20)!r}",
        lambda: f"20{made.randrange(10, 30)}-0{made.randrange(1, 10)}-1{made.randrange(10)}",
        lambda: f"2020-01-0{made.randrange(1, 10)}T0{made.randrange(10)}:00:00Z",
        lambda: f"0{made.randrange(10)}:1{made.randrange(10)}:00",
        lambda: made.choice(["true", "false"]),
        lambda: (
            made.choice(["é", "\\", 'say ""hi""', "a,b", "two\nlines", " x ", "0x1", "NaN", "1_000"])
            * made.randrange(1, 40)
        ),
        lambda: "",
    ]
    files = {}
    for number in range(8):
        kinds = [made.sample(pools, made.choice([1, 1, 1, 2])) for _ in range(6)]
        rows = [[str(at), *(made.choice(kind)() for kind in kinds)] for at in range(60)]
        files[f"made_{number}.csv"] = "id,a,b,c,d,e,f\n" + "".join(
            ",".join(f'"{cell}"' if re.search(r'[",\n]', cell) else cell for cell in row) + "\n" for row in rows
        )
    proposed(files)


def test_folders_that_hold_nothing_to_propose_are_refused(proposed: Proposed, tmp_path: Path) -> None:
    with pytest.raises(FolderEmpty):
        proposed({"read.me": "x"})
    with pytest.raises(PathMissing):
        draft_of_files(tmp_path / "nowhere", lambda _: [], csv_form())
    with pytest.raises(SourceUnreadable, match="not a folder"):
        draft_of_files(tmp_path / "files" / "read.me", lambda _: [], csv_form())
    (tmp_path / "files" / "a.csv").write_text("a b,\nx,y\n")
    with pytest.raises(HeaderUnfit):
        draft_of_files(tmp_path / "files", lambda _: [], csv_form("yes"))
    (tmp_path / "files" / "A.csv.gz").touch()
    with pytest.raises(SourceAmbiguous):
        draft_of_files(tmp_path / "files", lambda _: [], csv_form())
