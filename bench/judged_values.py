"""Judges values and prints how many of each kind it judges in a second of processor time, as JSON.

`python -P judged_values.py VALUES ROUNDS`: by columns so many, in blocks as large as those of a file, and a tenth of
them one by one. All values are good and in their usual form, and the same each time; those of which columns are not
sure, such as 29 February, are judged one by one there, too. The fastest round counts.
"""

import datetime as dt
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import (
    ARRAY,
    CHAR,
    JSON,
    REAL,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Time,
    Uuid,
)
from sqlalchemy.dialects.postgresql import (
    CIDR,
    DATERANGE,
    INET,
    INT4RANGE,
    INT8RANGE,
    INTERVAL,
    JSONB,
    MACADDR,
    MACADDR8,
    NUMRANGE,
    TSRANGE,
    TSTZRANGE,
)
from sqlalchemy.types import TypeEngine

from rowferry.dictionary.rules import ColumnRule
from rowferry.kinds.registry import kind_of

_SEED = 20210101
_BLOCK = 1 << 16
_SHARE_ONE_BY_ONE = 10
_DAY, _DAYS = dt.date(1992, 1, 1), 10_000
_COLORS = ("red", "green", "blue", "very blue")
_LETTERS, _LENGTHS, _MOST_LETTERS = "etaoin shrdluzoëłΝ", (6, 24), 60

Spell = Callable[[random.Random], str]


def _day(chance: random.Random) -> str:
    return str(_DAY + dt.timedelta(chance.randrange(_DAYS)))


def _time(chance: random.Random) -> str:
    return f"{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}"


def _text(chance: random.Random) -> str:
    return "x" + "".join(chance.choices(_LETTERS, k=chance.randint(*_LENGTHS)))


def _span(chance: random.Random) -> str:
    return f"P{chance.randrange(1000)}DT{chance.randrange(24)}H{chance.randrange(60)}M"


def _document(chance: random.Random) -> str:
    return json.dumps({"id": chance.randrange(10**6), "name": _text(chance), "tags": [_day(chance), None]})


def _numbers(chance: random.Random) -> str:
    return str([chance.randint(-(10**6), 10**6) for _ in range(4)])


SAMPLES: dict[str, tuple[TypeEngine[Any], Spell]] = {
    "boolean": (Boolean(), lambda chance: chance.choice(("true", "false"))),
    "integer": (BigInteger(), lambda chance: str(chance.randint(-(10**9), 10**9))),
    "float": (Double(), lambda chance: str(chance.random())),
    "decimal": (Numeric(12, 2), lambda chance: f"{chance.randint(-(10**9), 10**9) / 100:.2f}"),
    "datetime": (DateTime(timezone=True), lambda chance: f"{_day(chance)}T{_time(chance)}Z"),
    "date": (Date(), _day),
    "time": (Time(), _time),
    "text": (String(_MOST_LETTERS), _text),
    "local datetime": (DateTime(), lambda chance: f"{_day(chance)}T{_time(chance)}"),
    "interval": (Interval(), _span),
    "calendar interval": (INTERVAL(), _span),
    "uuid": (Uuid(), lambda chance: str(UUID(int=chance.getrandbits(128)))),
    "bytes": (LargeBinary(), lambda chance: rf"\x{chance.randbytes(chance.randint(*_LENGTHS)).hex()}"),
    "choice": (Enum(*_COLORS, name="color"), lambda chance: chance.choice(_COLORS)),
    "padded text": (CHAR(_MOST_LETTERS), _text),
    "real": (REAL(), lambda chance: f"{chance.random():.6f}"),
    "exact number": (Numeric(), lambda chance: f"{chance.getrandbits(160)}.{chance.getrandbits(64)}"),
    "integer[]": (ARRAY(Integer), _numbers),
    "inet": (INET(), lambda chance: f"10.0.{chance.randrange(256)}.{chance.randrange(256)}"),
    "cidr": (CIDR(), lambda chance: f"10.0.{chance.randrange(256)}.0/24"),
    "macaddr": (MACADDR(), lambda chance: f"08:00:2b:01:02:{chance.randrange(256):02x}"),
    "macaddr8": (MACADDR8(), lambda chance: f"08:00:2b:01:02:03:04:{chance.randrange(256):02x}"),
    "int4range": (INT4RANGE(), lambda chance: f"[{chance.randrange(100)},{chance.randrange(100, 200)})"),
    "int8range": (INT8RANGE(), lambda chance: f"[{chance.randrange(100)},{chance.randrange(100, 200)})"),
    "numrange": (NUMRANGE(), lambda chance: f"[{chance.random():.6f},{1 + chance.random():.6f})"),
    "daterange": (DATERANGE(), lambda chance: f"[{_day(chance)},)"),
    "tsrange": (TSRANGE(), lambda chance: f"[{_day(chance)}T{_time(chance)},)"),
    "tstzrange": (TSTZRANGE(), lambda chance: f"[{_day(chance)}T{_time(chance)}Z,)"),
    "json": (JSON(), _document),
    "jsonb": (JSONB(), _document),
}


def main() -> None:
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    gc.disable()
    found = {name: _measure(name, count, rounds) for name in SAMPLES}
    print(json.dumps(found))


def _measure(name: str, count: int, rounds: int) -> dict[str, float]:
    """How many values of a kind in a second, by columns and one by one."""
    column_type, spell = SAMPLES[name]
    kind, arrow = kind_of(column_type)
    rule = ColumnRule(name, kind, arrow, required=True, max_length=getattr(column_type, "length", None), doc="")
    chance = random.Random(_SEED)  # nothing secret
    texts = [spell(chance) for _ in range(count)]
    blocks = [pa.array(texts[at : at + _BLOCK], pa.string()) for at in range(0, count, _BLOCK)]
    few = texts[: max(1, count // _SHARE_ONE_BY_ONE)]
    by_columns = min(_seconds(_read, rule, blocks) for _ in range(rounds))
    singly = min(_seconds(_judge, rule, few) for _ in range(rounds))
    return {"columns": count / by_columns, "singly": len(few) / singly}


def _seconds(judge: Callable[[ColumnRule, Sequence[Any]], None], rule: ColumnRule, given: Sequence[Any]) -> float:
    started = time.process_time()
    judge(rule, given)
    return time.process_time() - started


def _read(rule: ColumnRule, blocks: Sequence[pa.Array]) -> None:
    for block in blocks:
        _, sure = rule.read(block)
        if not sure.all():
            _judge(rule, block.filter(pa.array(~sure)).to_pylist())


def _judge(rule: ColumnRule, texts: Sequence[str]) -> None:
    for text in texts:
        _, fault = rule.judge(text)
        if fault:
            raise ValueError(fault.message)


if __name__ == "__main__":
    main()
