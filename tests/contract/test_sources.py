"""Files as they come: headers, marks, line ends, compression, character sets, and what is no CSV at all."""

import gzip
import io
import json
import random
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from loading import Tables, counts
from rowferry.errors import OptionInvalid, RowferryError, SourceNotText, SourceUnreadable

PLAIN = "1,Clerk\n2,Lawyer\n"
ROWS = [(1, "Clerk"), (2, "Lawyer")]


def zstd(data: bytes) -> bytes:
    compressed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(compressed, "zstd") as stream:
        stream.write(data)
    return bytes(compressed.getvalue())


@pytest.mark.parametrize(
    "text",
    [
        "id,job\n1,Clerk\n2,Lawyer\n",
        "job,id\nClerk,1\nLawyer,2\n",
        "JOB,Id\r\nClerk,1\r\nLawyer,2\r\n",
        '"id","job"\n1,Clerk\n2,Lawyer',
        "\ufeffid,job\n1,Clerk\n2,Lawyer\n",
        '\ufeff"job",id\nClerk,1\nLawyer,2\n',
        "\ufeff1,Clerk\n2,Lawyer\n",
        "1,Clerk\r\n2,Lawyer\r\n",
        "1,Clerk\r\n2,Lawyer",
        "1,Clerk\n2,Lawyer\r",
        "2,Lawyer\n1,Clerk",
        '"1","Clerk"\r\n"2","Lawyer"\r\n',
    ],
)
def test_headers_marks_and_line_ends(tables: Tables, text: str) -> None:
    assert counts(tables.put("jobs.csv", text)) == (2, 2, 0, 0, 0)
    assert tables.rows("jobs") == ROWS


def test_a_header_counts_as_a_row_in_row_numbers_only(tables: Tables) -> None:
    assert counts(tables.put("jobs.csv", "job,id\nClerk,1\nx\n")) == (2, 1, 0, 0, 1)
    assert [(row["row_number"], row["raw"]) for row in tables.rejects()] == [(3, "x")]


@pytest.mark.parametrize("first", ["number,name", "id,job,x,y,z", "id;job", "1,a,b", '"id;job"', "job name"])
def test_a_first_row_with_other_names_is_no_header(tables: Tables, first: str) -> None:
    assert counts(tables.put("jobs.csv", f"{first}\n1,Clerk\n")) == (2, 1, 0, 0, 1)
    assert tables.rejects()[0]["row_number"] == 1


def test_a_second_header_is_a_row(tables: Tables) -> None:
    assert counts(tables.put("jobs.csv", "id,job\nid,job\n1,Clerk\n")) == (2, 1, 0, 0, 1)
    assert tables.codes() == [(2, ["value.type"])]


@pytest.mark.parametrize("text", ["", "\ufeff", "id,job", "id,job\n", "\ufeffjob,ID\r\n"])
def test_a_file_without_rows(tables: Tables, text: str) -> None:
    assert counts(tables.put("jobs.csv", text)) == (0, 0, 0, 0, 0)
    assert tables.rows("jobs") == []


def test_an_empty_line_is_a_row_with_one_field(tables: Tables) -> None:
    assert counts(tables.put("jobs.csv", "1,Clerk\n\n\r\n2,Lawyer\n\n")) == (5, 2, 0, 0, 3)
    assert tables.codes() == [(number, ["row.too_few_fields"]) for number in (2, 3, 5)]
    assert [row["raw"] for row in tables.rejects()] == ["", "", ""]


def test_quoted_fields_hold_anything_and_row_numbers_stay_exact(tables: Tables) -> None:
    tables.put("jobs.csv", '1,"a\n\nb"\n2,"c\r\nd"\nx\n3," ""e"", "\n4\n')
    assert tables.rows("jobs") == [(1, "a\n\nb"), (2, "c\r\nd"), (3, ' "e", ')]
    assert [(row["row_number"], row["raw"]) for row in tables.rejects()] == [(3, "x"), (5, "4")]


def test_text_is_kept_exactly_as_it_came(tables: Tables) -> None:
    texts = [
        " a ",
        "\ta",
        "'",
        "\\",
        "\\.",
        "\\N",
        "NULL",
        "é\u0301",
        "😀",
        "a\rb",
        "\u202e",
        "\ufeff",
        "%s",
        "{}",
        "$1",
        "\x7f\x01",
    ]
    quoted = "".join(f'{at},"{text}"\n' for at, text in enumerate(texts))
    assert counts(tables.put("jobs.csv", quoted))[1] == len(texts)
    assert [text for _, text in tables.rows("jobs")] == texts


def test_lengths_count_characters(tables: Tables) -> None:
    assert counts(tables.put("jobs.csv", f"1,{255 * '😀'}\n2,{256 * 'x'}\n3,{255 * 'é'}\n")) == (3, 2, 0, 0, 1)
    assert tables.codes() == [(2, ["value.length"])]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst"])
@pytest.mark.parametrize("codec", ["gzip", "zstd", "gzip in parts", "zstd in parts", "plain"])
def test_compression_is_known_by_content(tables: Tables, codec: str, suffix: str) -> None:
    first, second = PLAIN[:5].encode(), PLAIN[5:].encode()
    content = {
        "gzip": gzip.compress(first + second),
        "zstd": zstd(first + second),
        "gzip in parts": gzip.compress(first) + gzip.compress(second),
        "zstd in parts": zstd(first) + zstd(second),
        "plain": first + second,
    }[codec]
    tables.put(f"jobs{suffix}", content)
    assert tables.rows("jobs") == ROWS


@pytest.mark.parametrize(
    ("codec", "damage"),
    [*((codec, damage) for codec in ("gzip", "zstd") for damage in ("cut", "magic only", "tail")), ("gzip", "flipped")],
)
def test_damaged_compression_changes_nothing(tables: Tables, codec: str, damage: str) -> None:
    chance = random.Random(1)
    text = "".join(f"{number},{chance.random()}\n" for number in range(50_000)).encode()
    whole = gzip.compress(text) if codec == "gzip" else zstd(text)
    middle = len(whole) // 2
    content = {
        "cut": whole[:-1_000],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) * 8 + whole[middle + 8 :],
        "magic only": whole[:4],
        "tail": whole + b"no such thing",
    }[damage]
    tables.fail(SourceUnreadable, tables.write("jobs.csv.gz", content))
    assert tables.loads()[0]["status"] == "failed"
    assert tables.loads()[0]["error"]["code"] == "source.unreadable"


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "UTF8", "utf-32"]
)
def test_other_character_sets(tables: Tables, encoding: str) -> None:
    tables.put("jobs.csv", "id,job\r\n1,Señor\r\n".encode(encoding), encoding=encoding)
    assert tables.rows("jobs") == [(1, "Señor")]


def test_a_mark_before_other_character_sets_is_passed_over(tables: Tables) -> None:
    tables.put("jobs.csv", "\ufeffid,job\n1,Señor\n".encode("utf-16-be"), encoding="utf-16-be")
    assert tables.rows("jobs") == [(1, "Señor")]


def test_bytes_that_cannot_be_decoded_are_their_rows_fault(tables: Tables) -> None:
    tables.put("jobs.csv", b"1,Clerk\n2,Se\xf1or\n3,Cook\n4,\xff,\xff\n", encoding="utf-8")
    assert tables.codes() == [(2, ["row.encoding"]), (4, ["row.encoding", "row.too_many_fields"])]
    assert tables.rejects()[0]["raw"] == r"2,Se\xf1or"
    tables.put("jobs.csv", b'1,Clerk\n2,Se\x81\x8dor\n3,Cook\n4,Se\x9d"o\n', encoding="cp1252")
    assert tables.codes() == [(2, ["row.encoding"]), (4, ["row.encoding", "row.quote"])]
    assert [reject["raw"] for reject in tables.rejects()] == [r"2,Se\x81\x8dor", r'4,Se\x9d"o']
    assert [row[0] for row in tables.rows("jobs")] == [1, 3]


@pytest.mark.parametrize("encoding", ["klingon", "", "base64", "rot13", "utf-8\0", "idna"])
def test_a_character_set_that_is_none_is_refused(tables: Tables, encoding: str) -> None:
    tables.fail(OptionInvalid, tables.write("jobs.csv", PLAIN), encoding=encoding)


def _zip() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("jobs.csv", PLAIN)
        file.writestr("departments.csv", PLAIN)
    return archive.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        _zip(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-be"),
        b"%PDF-1.7\n%\xe2\xe3",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"SQLite format 3\0" + 100 * b"\0",
        Path(sys.executable).resolve().read_bytes()[:100_000],
        random.Random(3).randbytes(100_000),
        4_096 * b"\0",
    ],
    ids=["zip", "utf-16", "utf-16 without mark", "pdf", "png", "sqlite", "program", "noise", "zeros"],
)
def test_what_is_no_text_is_refused_as_a_whole(tables: Tables, content: bytes) -> None:
    error = tables.fail(SourceNotText, tables.write("jobs.csv", content))
    assert "jobs.csv" in error.message
    assert tables.loads()[0]["status"] == "failed"


def test_a_row_of_50_megabytes_is_one_rejected_row(tables: Tables) -> None:
    tables.put("jobs.csv", b"1,Clerk\n2," + 50_000_000 * b"x" + b"\n3,Cook\n")
    assert tables.rows("jobs") == [(1, "Clerk"), (3, "Cook")]
    assert tables.codes() == [(2, ["row.too_long"])]
    assert tables.rejects()[0]["raw"] == "2," + 65_534 * "x"


def test_a_quote_that_is_never_closed_costs_one_row(tables: Tables) -> None:
    rows = "".join(f"{number},job {number}\n" for number in range(2, 100_000))
    tables.put("jobs.csv", f'1,"open\n{rows}')
    assert tables.codes() == [(1, ["row.quote"])]
    assert tables.rejects()[0]["raw"] == '1,"open'
    assert len(tables.rows("jobs")) == 99_998


def test_a_folder_in_place_of_a_file_is_refused(tables: Tables) -> None:
    path = tables.folder / "jobs.csv"
    path.mkdir()
    with pytest.raises(RowferryError):
        tables.load(path)


def test_receipts_are_json(tables: Tables) -> None:
    receipt = json.loads(json.dumps(tables.put("jobs.csv", "1,Clerk\n2\n").as_dict()))
    assert receipt.pop("load_id").startswith("load-")
    assert receipt["tables"][0].pop("seconds") >= 0
    assert receipt == {
        "status": "done",
        "dry_run": False,
        "passed_over": [],
        "tables": [
            {
                "table": "jobs",
                "source": "jobs.csv",
                "rows_read": 2,
                "inserted": 1,
                "updated": 0,
                "unchanged": 0,
                "rejected": 1,
                "rejected_by_code": {"row.too_few_fields": 1},
                "notes": [],
            }
        ],
        "rows_read": 2,
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
    }
