"""Files for the tables of other shapes: the same rows each time."""

import datetime as dt
import random
from collections.abc import Callable, Iterator
from pathlib import Path

_SEED = 20210101
_LINES_OF_AN_ORDER = 4
_PARTS = 200_000
_FIRST_DAY = dt.date(1992, 1, 1)
_DAYS = [str(_FIRST_DAY + dt.timedelta(days)) for days in range(2_600)]
_WORDS = (
    "furiously",
    "even",
    "deposits",
    "sleep",
    "quickly",
    "among",
    "the",
    "ironic",
    "requests",
    "blithely",
    "final",
)
_INSTRUCTIONS = ("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN")
_MODES = ("REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB")


def write_others(folder: Path, rows: int) -> None:
    """Write so many line items and readings, and the orders and parts that the line items refer to."""
    folder.mkdir()
    files: dict[str, Callable[[random.Random, int], Iterator[str]]] = {
        "orders": _orders,
        "parts": _parts,
        "lineitem": _line_items,
        "readings": _readings,
    }
    for name, lines in files.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8") as file:
            file.writelines(lines(random.Random(_SEED), rows))  # nothing secret


def _orders(chance: random.Random, rows: int) -> Iterator[str]:
    for number in range(1, rows // _LINES_OF_AN_ORDER + 2):
        yield f"{number},{chance.choice(_DAYS)}\n"


def _parts(chance: random.Random, _rows: int) -> Iterator[str]:
    for number in range(1, _PARTS + 1):
        yield f"{number},{' '.join(chance.choices(_WORDS, k=3))}\n"


def _line_items(chance: random.Random, rows: int) -> Iterator[str]:
    for at in range(rows):
        order, line = divmod(at, _LINES_OF_AN_ORDER)
        part, quantity, day = chance.randint(1, _PARTS), chance.randint(1, 50), chance.randrange(len(_DAYS) - 60)
        cells = [
            str(order + 1),
            str(part),
            str(part % 10_000),
            str(line + 1),
            str(quantity),
            f"{quantity * chance.randint(90_000, 200_000) / 100:.2f}",
            f"0.0{chance.randint(0, 9)}",
            f"0.0{chance.randint(0, 8)}",
            chance.choice("NRA"),
            chance.choice("OF"),
            _DAYS[day],
            _DAYS[day + chance.randint(1, 30)],
            _DAYS[day + chance.randint(30, 59)],
            chance.choice(_INSTRUCTIONS),
            chance.choice(_MODES),
            " ".join(chance.choices(_WORDS, k=4))[:44].strip(),
        ]
        yield ",".join(cells) + "\n"


def _readings(chance: random.Random, rows: int) -> Iterator[str]:
    for number in range(1, rows + 1):
        yield (
            f"{number},{chance.randint(1, 5_000)},{chance.randint(-900_000, 900_000) / 1000:.3f},"
            f"{chance.randint(0, 10**7) / 100:.2f},{chance.random()},{chance.choice(('true', 'false'))},"
            f"{chance.choice(_DAYS)},{' '.join(chance.choices(_WORDS, k=4))}\n"
        )
