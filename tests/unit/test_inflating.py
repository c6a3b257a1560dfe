"""Compressed files: read to the last byte, or refused by name, whatever tool wrote them and whatever befell them."""

import bz2
import gzip
import hashlib
import io
import lzma
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from made_up import made_up
from rowferry.errors import RowferryError, SourceBroken
from rowferry.errors.sources import SourceNotCsv
from rowferry.sources.csv.byte_source import ByteSource

TEXT = "".join(f"{number},job {number * 7919 % 10_007}\n" for number in range(60_000)).encode()


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return made.getvalue()


def _zstd(text: bytes) -> bytes:
    return bytes(pa.compress(text, codec="zstd", asbytes=True))


STREAMS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}
FORMS: dict[str, Callable[[bytes], bytes]] = {
    **STREAMS,
    "zstd": _zstd,
    "zip": lambda text: zipped(("jobs.csv", text)),
    "zip stored": lambda text: zipped(("jobs.csv", text), method=zipfile.ZIP_STORED),
    "zip bzip2": lambda text: zipped(("jobs.csv", text), method=zipfile.ZIP_BZIP2),
    "zip of a Mac": lambda text: zipped(("out/", b""), ("out/jobs.csv", text), ("__MACOSX/out/._jobs.csv", b"\0\5")),
}

CHECKED = [form for form in FORMS if form != "zstd"]
"""Those that carry a checksum; Zstandard's is optional, and Arrow writes none."""


def read(folder: Path, data: bytes) -> bytes:
    """What is in a file; its hash is that of the file as it stands."""
    path = folder / "jobs.csv"
    path.write_bytes(data)
    source = ByteSource(path)
    found = b"".join(source.blocks())
    assert source.sha256 == hashlib.sha256(data).hexdigest()
    assert source.bytes_read == source.size == len(data)
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [TEXT, b"1,a\n"])
def test_compressed_files_are_read(tmp_path: Path, form: str, text: bytes) -> None:
    assert read(tmp_path, FORMS[form](text)) == text


@pytest.mark.parametrize("form", STREAMS)
@pytest.mark.parametrize(("zeros", "more"), [(5_000, 0), (512, 4), (200_000, 0), (0, 0)])
def test_several_streams_and_zeros_between_and_behind_them_are_read(
    tmp_path: Path, form: str, zeros: int, more: int
) -> None:
    compress = STREAMS[form]
    assert read(tmp_path, compress(TEXT) + bytes(zeros) + compress(b"1,a\n") + bytes(more)) == TEXT + b"1,a\n"


@pytest.mark.parametrize("form", [*STREAMS, "zstd"])
@pytest.mark.parametrize("behind", [b"garbage", b"\0\0garbage", b"1,a\n"])
def test_anything_else_behind_the_end_is_damage(tmp_path: Path, form: str, behind: bytes) -> None:
    with pytest.raises(SourceBroken):
        read(tmp_path, FORMS[form](TEXT) + behind)


@made_up(20)
@given(form=st.sampled_from(CHECKED), share=st.floats(0, 1, exclude_max=True), cut=st.booleans(), bit=st.integers(0, 7))
def test_a_cut_or_damaged_file_is_never_taken_for_a_shorter_or_other_one(
    tmp_path_factory: pytest.TempPathFactory, form: str, share: float, cut: bool, bit: int
) -> None:
    data = bytearray(FORMS[form](TEXT[:20_000]))
    at = int(share * len(data))
    if cut:
        del data[max(at, 12) :]
    else:
        data[at] ^= 1 << bit
    try:
        found = read(tmp_path_factory.mktemp("damaged"), bytes(data))
    except RowferryError as error:
        assert error.message
        assert error.advice
    else:  # as in a time or a name that nothing depends on
        assert found == TEXT[:20_000] or found == bytes(data)


DOCUMENTS = {
    "Excel workbook": zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")),
    "OpenDocument": zipped(("mimetype", b"x"), ("content.xml", b"<x/>")),
    "old Excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "Parquet": b"PAR1\x15\x04" + random.Random(1).randbytes(300) + b"PAR1",
    "Avro": b"Obj\x01\x04\x16avro.schema",
    "2 files": zipped(("a.csv", TEXT), ("b.csv", TEXT)),
    "0 files": zipped(),
    "compressed twice": gzip.compress(gzip.compress(TEXT)),
    "UTF-16": "1,a\n".encode("utf-16"),
    "PDF": b"%PDF-1.7\n1 0 obj\n",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_other_formats_are_called_by_their_right_name(tmp_path: Path, kind: str, encoding: str) -> None:
    path = tmp_path / "jobs.csv"
    path.write_bytes(DOCUMENTS[kind])
    if (kind, encoding) == ("UTF-16", "latin-1"):
        return  # whoever names a character set is believed
    with pytest.raises(SourceNotCsv, match=kind) as caught:
        list(ByteSource(path, encoding).blocks())
    assert caught.value.advice


@pytest.mark.parametrize("text", [b"BZh is a word,1\n", b"PAR1,2\n", b"ORC,3\n", b"PK,4\n", b"ARROW1,5\n"])
def test_a_text_that_begins_like_another_format_is_a_text(tmp_path: Path, text: bytes) -> None:
    assert read(tmp_path, text) == text
