"""Makes sample files, the same at each writing: a small company for the demo, any number of rows for benchmarks."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np

SAMPLE_ROWS = 2_000
SAMPLE_SEED = 2021

_BLOCK_ROWS = 50_000
_DAYS = [str(date(2021, 1, 1) + timedelta(days=day)) for day in range(730)]
_TIMES = [f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z" for second in range(86_400)]

_DEPARTMENTS = """
Harbour Office;Timetables;Deck Crew;Engine Room;Ticket Hall;Freight and Vehicles;Galley;Shipyard;Weather and Routes;
Lost Property;Lighthouses;Accounts
"""
_FIELDS = """
Mooring;Winch;Radio;Galley;Cargo;Timetable;Ticket;Lighthouse;Hull;Boiler;Chart;Pier;Ramp;Lifeboat;Fog Signal;Tide;
Ledger;Canvas;Ballast;Signal Flag
"""
_RANKS = "Apprentice;Clerk;Technician;Engineer;Inspector;Planner;Instructor;Supervisor;Head"

_FIRST_NAMES = """
Harold;Ines;Marek;Zoë;Tobias;Amara;Søren;Beatriz;Łucja;Dmitri;Aoife;Jun;Noémie;Kwame;Freya;Mehmet;Oksana;Rafael;Þóra;
Siobhán;Elif;Anselm;Chidi;Ottilie;Mbali;Jürgen;Naoko;Pilar;Gwil;Ynez;Дарья;Νίκος;明美;Lars;Ruth;Emeka;Solveig;Bram;
Cosima;Idris
"""
_LAST_NAMES = """
Vogt;Okafor;Lindqvist;O'Dare;Szymański;Ferreira;Brandt;Núñez;Haraldsdóttir;Mc Allen;Ivanova;Tanaka;Ó Briain;
van der Meer;Achterberg;Yıldız;Nkosi;Rossi;Dubois;Kowalczyk;Eze;Marlowe;Pettersson;Quint;Saarinen;Thorne;Ullman;Wren;
Castellan;Zabriskie;Ashdown;Bellamy;Corvin;Dragomir;Ek;Fairweather;Grünwald;Hollis;Ibarra;Jansen
"""

_Spoil = Callable[[list[str], str], str]
"""Makes the line of a faulty row out of the cells of a good one and the key of the row before it."""


def _line(cells: Iterable[str]) -> str:
    return ",".join(cells) + "\n"


def _with(**changed: str) -> _Spoil:
    """Other cells, by column; `{}` stands for what was there."""
    columns = ("id", "name", "datetime", "department_id", "job_id")

    def spoil(cells: list[str], _: str) -> str:
        return _line(changed.get(column, "{}").format(cell) for column, cell in zip(columns, cells, strict=True))

    return spoil


def _repeat_key(cells: list[str], before: str) -> str:
    return _line([before, *cells[1:]])


_SPOILS: tuple[_Spoil, ...] = (
    _with(id=""),
    _with(name=""),
    _with(name="   "),
    _with(datetime=""),
    _with(department_id=""),
    _with(job_id=""),
    _with(id="{}.0"),
    _with(datetime="the day after {}"),
    _with(datetime="2021-02-30T09:15:00Z"),
    _with(department_id="Galley"),
    _with(id="99999999999"),
    _with(job_id="-3000000000"),
    _with(name="{}" + " of the Outer Isles" * 14),
    lambda cells, _: _line(cells[:3]),
    lambda cells, _: _line([*cells, "full time"]),
    _with(name='{} "Skipper"'),
    _with(name='"{}" the Elder'),
    lambda cells, _: _line(cells).replace(" ", " \udcc9\udcff", 1),
    _repeat_key,
    _with(department_id="77"),
    _with(job_id="1984"),
    _with(name="", datetime="yesterday", department_id="77", job_id="twelve"),
)
FAULTS = len(_SPOILS)
"""How many kinds of faulty rows there are."""


def write_samples(
    folder: Path, rows: int = SAMPLE_ROWS, seed: int = SAMPLE_SEED, *, faulty: int = FAULTS, first_id: int = 1
) -> None:
    """Write departments.csv (12 rows), jobs.csv (180) and hired_employees.csv into a folder: UTF-8, no header.

    Of the employees exactly `faulty` rows break a rule, spread evenly over the file and over all kinds of faults, so
    that the default has one row of each kind; rows that repeat a key are left out where more than half are faulty.
    All other rows are good. Keys ascend from `first_id`. The same arguments always give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "departments.csv", (_line([str(key), name]) for key, name in enumerate(_words(_DEPARTMENTS), 1)))
    _write(folder / "jobs.csv", (_line([str(key), name]) for key, name in enumerate(_jobs(), 1)))
    _write(folder / "hired_employees.csv", _employees(rows, seed, faulty, first_id))


def _write(path: Path, blocks: Iterable[str]) -> None:
    unfinished = path.with_name(path.name + ".part")
    # Surrogates stand for bytes that are not UTF-8.
    with unfinished.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.writelines(blocks)
    unfinished.replace(path)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(";")]


def _jobs() -> list[str]:
    return [f"{field} {rank}" for field in _words(_FIELDS) for rank in _words(_RANKS)]


def _employees(rows: int, seed: int, faulty: int, first_id: int) -> Iterator[str]:
    """The lines of the employees, many at once."""
    random = np.random.RandomState(seed)  # the one generator of numpy whose numbers never change
    kinds = [spoil for spoil in _SPOILS if spoil is not _repeat_key or faulty * 2 <= rows]
    for start in range(0, rows, _BLOCK_ROWS):
        lines = _good_lines(random, first_id + start, min(_BLOCK_ROWS, rows - start))
        for nth in range(start * faulty // rows, (start + len(lines)) * faulty // rows):
            at = -(-(nth + 1) * rows // faulty) - 1
            cells = lines[at - start].rstrip("\n").split(",")
            lines[at - start] = kinds[nth % len(kinds)](cells, str(first_id + at - 1))
        yield "".join(lines)


def _good_lines(random: np.random.RandomState, first_id: int, count: int) -> list[str]:
    first, last = _words(_FIRST_NAMES), _words(_LAST_NAMES)
    names = [f"{first_name} {last_name}" for first_name in first for last_name in last]
    limits = (len(names), len(_DAYS), len(_TIMES), len(_words(_DEPARTMENTS)), len(_jobs()))
    columns = [random.randint(0, limit, count, dtype=np.int32).tolist() for limit in limits]
    return [
        f"{key},{names[name]},{_DAYS[day]}{_TIMES[time]},{department + 1},{job + 1}\n"
        for key, (name, day, time, department, job) in enumerate(zip(*columns, strict=True), first_id)
    ]
