"""The faults of the rows of one batch: as columns where many rows have the same one, so that they cost little each."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from threading import Lock

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, letters_of
from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.judging.candidate_keys import Int64s

_CODES = list(RejectCode)
_BITS: dict[str, int] = {code: 1 << number for number, code in enumerate(_CODES)}

_NAME_AT = 20
"""From this bit on, a number stands for a code that ends in a name, of which a row has one at most."""

_NAMED: dict[str, int] = {}
_NAMING = Lock()


def bit_of(code: str) -> int:
    """What stands for a code among the codes of a row, which are one number."""
    if (bit := _BITS.get(code)) is not None:
        return bit
    with _NAMING:
        return _NAMED.setdefault(code, len(_NAMED) + 1) << _NAME_AT


def codes_of(bits: int) -> list[str]:
    """The codes that one number stands for."""
    number = bits >> _NAME_AT
    named = [code for code, given in list(_NAMED.items()) if given == number]
    return [*(code for code, bit in _BITS.items() if bits & bit), *named]


class FoundFaults:
    """What is wrong with the rows of a batch of `count`, by position; `order` is that in which columns are told."""

    def __init__(self, order: Mapping[str | None, int], count: int) -> None:
        self._order, self._count = order, count
        self._positions: list[Int64s] = []
        self._named: list[tuple[str | None, str]] = []
        self._messages: list[pa.Array] = []
        self._single: defaultdict[int, list[Fault]] = defaultdict(list)

    def add(self, position: int, fault: Fault) -> None:
        """Note a fault of one row."""
        self._single[position].append(fault)

    def add_many(self, column: str | None, code: str, positions: Int64s, messages: pa.Array) -> None:
        """Note one fault of many rows, with a message for each; of a dictionary of messages each is spelled once."""
        if len(positions):
            self._positions.append(positions)
            self._named.append((column, code))
            self._messages.append(messages)

    def positions(self) -> Int64s:
        """The rows that have a fault, ascending."""
        single = np.fromiter(self._single, np.int64, len(self._single))
        found = np.zeros(self._count, dtype=np.bool_)
        for positions in (single, *self._positions):
            found[positions] = True
        return np.flatnonzero(found)

    def by_row(self) -> dict[int, list[tuple[str | None, str]]]:
        """Column and code of the faults of each row that has some."""
        found: dict[int, list[tuple[str | None, str]]] = {}
        for positions, named in zip(self._positions, self._named, strict=True):
            for position in positions.tolist():
                found.setdefault(position, []).append(named)
        for position, faults in self._single.items():
            found.setdefault(position, []).extend((fault.column, fault.code) for fault in faults)
        return found

    def as_columns(self) -> tuple[Int64s, pa.Array, Int64s]:
        """Of each row that has faults, ascending: its position, the faults as JSON, and their codes as one number."""
        single = [(position, fault) for position, faults in self._single.items() for fault in faults]
        named = [*self._named, *((fault.column, fault.code) for _, fault in single)]
        times = [*map(len, self._positions), *([1] * len(single))]
        at = np.concatenate([*self._positions, np.array([position for position, _ in single], dtype=np.int64)])
        if not len(at):
            return at, pa.array([], pa.string()), at
        ranks = np.repeat(np.array([self._rank(*each) for each in named]), times)
        bits = np.repeat(np.array([bit_of(code) for _, code in named]), times)
        pieces = [spelled_faults(*each, messages) for each, messages in zip(self._named, self._messages, strict=True)]
        pieces.append(pa.array([json_of(fault) for _, fault in single], pa.string()))
        # What is noted of many rows at once ascends, so that a stable sort only merges.
        order = np.argsort(at * (len(self._order) + 2) + ranks, kind="stable")
        rows = at[order]
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        rows = rows[begins]
        errors = joined_faults(pc.take(pa.concat_arrays(pieces), as_arrow(order)), begins)
        return rows, errors, np.bitwise_or.reduceat(bits[order], begins)

    def _rank(self, column: str | None, code: str) -> int:
        # A duplicate has no other faults; its keys are told in the order in which they were noted.
        return 0 if code is RejectCode.DUPLICATE else 1 + self._order.get(column, len(self._order))


def json_of(fault: Fault) -> str:
    """A fault as JSON."""
    return f"{_begun(fault.column, fault.code)}{json.dumps(fault.message)}}}"


def joined_faults(pieces: pa.Array, begins: Int64s) -> pa.Array:
    """Faults as the JSON of rows, whose first ones are at the places given."""
    if len(begins) == len(pieces):
        return pc.binary_join_element_wise("[", pieces, "]", "")
    ends = np.append(begins, len(pieces)).astype(np.int32)
    each = pa.ListArray.from_arrays(as_arrow(ends), pieces)
    return pc.binary_join_element_wise("[", pc.binary_join(each, ", "), "]", "")


def spelled_faults(column: str | None, code: str, messages: pa.Array) -> pa.StringArray:
    """Faults of one column and code as JSON."""
    if pa.types.is_dictionary(messages.type):
        return pc.take(spelled_faults(column, code, messages.dictionary), messages.indices)
    return pc.binary_join_element_wise(_begun(column, code), json_texts(messages), "}", "")


def json_texts(texts: pa.StringArray) -> pa.StringArray:
    """Texts as JSON has them; those with other letters than plain ones are spelled one by one."""
    offsets, letters = letters_of(texts)
    special = (letters < ord(" ")) | (letters > ord("~")) | (letters == ord('"')) | (letters == ord("\\"))
    spelled = pc.binary_join_element_wise('"', texts, '"', "")
    places = np.flatnonzero(special)
    if not len(places):
        return spelled
    rows = np.unique(np.searchsorted(offsets, places, side="right") - 1)
    mask = np.zeros(len(texts), dtype=np.bool_)
    mask[rows] = True
    one_by_one = [json.dumps(text) for text in pc.take(texts, as_arrow(rows)).to_pylist()]
    return pc.replace_with_mask(spelled, as_arrow(mask), pa.array(one_by_one, pa.string()))


@lru_cache(1_024)
def _begun(column: str | None, code: str) -> str:
    """A fault as JSON up to its message; many have the same column and code."""
    return json.dumps(Fault(column, code, "").as_dict()).removesuffix('""}')


def repeated_message(message: str, times: int) -> pa.DictionaryArray:
    """The same message for many rows."""
    return messages_of([message], np.zeros(times, dtype=np.int64))


def messages_of(distinct: Sequence[str], indices: Int64s) -> pa.DictionaryArray:
    """The message of each row, which is one of some."""
    return pa.DictionaryArray.from_arrays(as_arrow(indices), pa.array(distinct, pa.string()))
