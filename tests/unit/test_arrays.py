"""Arrow's arrays and NumPy's."""

from hypothesis import example, given, strategies as st

from rowferry.arrow.arrays import is_utf8


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"\xed\xa0\x80")
@example(b"\xc0\x80")
@example(b"\xf4\x90\x80\x80")
@example(b"caf\xc3")
def test_what_python_decodes_is_utf8(data: bytes) -> None:
    assert is_utf8(data) == (data.decode("utf-8", "replace").encode() == data)
