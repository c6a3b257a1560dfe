"""Arrow's functions over whole columns.

`pyarrow.compute` makes a wrapper with a docstring for each of three hundred functions whenever it is imported, which
takes as long as to judge 100,000 rows. So the few that are used are called here as the wrappers would call them
(docs/decisions/0013-the-start-of-a-process.md). Methods of arrays, such as `take`, import the wrappers, too: these
functions stand in their place. Values may be scalars.
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyarrow._compute import (
    CastOptions,
    ExtractRegexOptions,
    JoinOptions,
    MatchSubstringOptions,
    ReplaceSubstringOptions,
    SetLookupOptions,
    SortOptions,
    TrimOptions,
    call_function,
)


def _function(name: str, options: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """The function of a name; what it is told beside values is told by keywords."""

    def call(*values: object, **keywords: object) -> Any:
        return call_function(name, list(map(_typed, values)), options(**keywords) if options else None)

    return call


_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    bytes: pa.binary(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
}


def _typed(value: object) -> object:
    """A plain value as a scalar: to infer its type, Arrow tries to import `dateutil` each time, which takes 45 µs."""
    arrow = _TYPES.get(type(value))
    return pa.scalar(value, arrow) if arrow else value


add = _function("add")
all_of = _function("all")
and_ = _function("and")
any_of = _function("any")
binary_join_element_wise = _function("binary_join_element_wise", JoinOptions)
binary_join = _function("binary_join")
binary_length = _function("binary_length")
bit_wise_and = _function("bit_wise_and")
coalesce = _function("coalesce")
dictionary_encode = _function("dictionary_encode")
drop_null = _function("drop_null")
equal = _function("equal")
greater_equal = _function("greater_equal")
if_else = _function("if_else")
invert = _function("invert")
is_finite = _function("is_finite")
extract_regex = _function("extract_regex", ExtractRegexOptions)
index_in = _function("index_in", SetLookupOptions)
is_in = _function("is_in", SetLookupOptions)
is_null = _function("is_null")
is_valid = _function("is_valid")
less_equal = _function("less_equal")
match_substring = _function("match_substring", MatchSubstringOptions)
match_substring_regex = _function("match_substring_regex", MatchSubstringOptions)
min_max = _function("min_max")
not_equal = _function("not_equal")
or_ = _function("or")
replace_substring = _function("replace_substring", ReplaceSubstringOptions)
replace_with_mask = _function("replace_with_mask")
sort_indices = _function("sort_indices", SortOptions)
take = _function("take")
unique = _function("unique")
utf8_is_space = _function("utf8_is_space")
utf8_length = _function("utf8_length")
utf8_rtrim = _function("utf8_rtrim", TrimOptions)
where = _function("filter")


def cast(values: Any, to: pa.DataType, *, safe: bool = True) -> Any:
    """Values as those of another type; pa.ArrowInvalid if one of them would change and that is not to be."""
    return call_function("cast", [values], CastOptions.safe(to) if safe else CastOptions.unsafe(to))


def fill_null(values: Any, value: object) -> Any:
    """Values, with `value` in the place of null."""
    return coalesce(values, pa.scalar(value, values.type))


def as_instants(bare: Any, to: pa.DataType) -> Any:
    """Dates and times without a zone, taken for those of UTC."""
    return cast(cast(bare, pa.int64()), to)
