"""What each part of Rowferry that is there for speed alone is worth: the same work with it and without it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench import works
from bench.contests import Contest, Findings, Listing, Target, Way, hold
from bench.installed import PYTHON
from bench.lab import Lab
from bench.without import NOTHING

_WITH, _WITHOUT = "with", "without"
_LEAST_TIMES = 1.05
_LEAST_ROUNDS, _ROUNDS_OF_FEW_ROWS, _FEW_ROWS = 3, 7, 10_000
_COMMAND = ["-P", str(Path(__file__).with_name("without.py"))]


@dataclass(frozen=True)
class Mechanism:
    """A part that is there for speed: the work that it was made for, and what takes its place.

    `target` is the part, as `module:name` below `rowferry`; `stand_in` is a function of `stand_ins.py`. With fewer
    than `least_rows` in the usual file, the work does not come to it.
    """

    name: str
    work: Callable[[Lab], Way]
    target: str
    stand_in: str
    least_rows: int = 12_000

    @property
    def switch(self) -> str:
        """What makes `without.py` switch it off."""
        return f"rowferry.{self.target}={self.stand_in}"

    def way(self, lab: Lab, name: str, switch: str) -> Way:
        """The work with a switch, by a name."""
        way = self.work(lab)
        return replace(way, name=name, command=[PYTHON, *_COMMAND, switch, *way.command[1:]])


_POSTGRESQL, _SQLITE = "backends.postgresql", "backends.sqlite"
_MANY_PARENTS = 80_000

MECHANISMS = (
    Mechanism("Reading and judging ahead, in threads", works.into_empty, "operations.ingest:prefetch", "same"),
    Mechanism("The same into SQLite", works.into_sqlite, "operations.ingest:prefetch", "same"),
    Mechanism("Small first blocks", works.into_empty, "sources.csv.byte_source:_block_sizes", "large_blocks"),
    Mechanism("Quoted cells by columns", works.all_quoted, "sources.csv.source:find_lines", "quotes_line_by_line"),
    Mechanism(
        "Stray quotes by columns", works.stray_quotes, "sources.csv.source:find_lines", "stray_quotes_line_by_line"
    ),
    Mechanism("Kinds read by columns", works.readings_into_sqlite, "dictionary.rules:ColumnRule.read", "nothing_sure"),
    Mechanism(
        "Usual instants without a regular expression",
        works.into_sqlite,
        "kinds.datetimes:usual_in_letters",
        "nothing_usual",
    ),
    Mechanism("Equal faulty texts judged once", works.faulty, "arrow.compute:dictionary_encode", "each_cell"),
    Mechanism("Equal messages spelled once", works.faulty, "judging.found_faults:spelled_faults", "each_message"),
    Mechanism("Types of plain values given to Arrow", works.faulty, "arrow.compute:_typed", "same"),
    Mechanism("Taken integer keys as a bitmap", works.into_sqlite, "operations.ingest:taken_keys", "stored_keys"),
    Mechanism("Other keys hashed by columns", works.line_items, "judging.stored_keys:_hashes_of", "each_hash"),
    Mechanism("Keys of parents read in pages", works.line_items, "judging.references:_Asked._reads_pages", "never"),
    Mechanism("Known integers as bits", works.line_items, "judging.references:known_keys", "known_values"),
    Mechanism("An empty table taken over", works.into_empty, f"{_POSTGRESQL}.ways:take_over_empty", "never"),
    Mechanism(
        "The key's index built at the end",
        works.into_empty,
        f"{_POSTGRESQL}.table:PostgresqlTable.key_aside",
        "idle_context",
    ),
    Mechanism("Much held for the server", works.into_empty, f"{_POSTGRESQL}.copying:_hold_much", "idle"),
    Mechanism("More memory for indexes", works.many_into_empty, f"{_POSTGRESQL}.ways:SQL", "memory_as_it_is"),
    Mechanism("Binary COPY", works.readings, f"{_POSTGRESQL}.copy_format:_Binary", "csv_format"),
    Mechanism("Triggers spared", works.into_filled, f"{_POSTGRESQL}.table:PostgresqlTable.skips_triggers", "never"),
    Mechanism(
        "New rows inserted while reading", works.into_filled, f"{_POSTGRESQL}.ways:AppendingWriter", "staged_writer"
    ),
    Mechanism(
        "Many parents proven to be there, not locked",
        works.line_items,
        f"{_POSTGRESQL}.references:Referred._refer",
        "hold_all",
        least_rows=_MANY_PARENTS,
    ),
    Mechanism(
        "Foreign keys dropped and proven",
        works.by_owner_into_empty,
        f"{_POSTGRESQL}.table:PostgresqlTable.drops_foreign_keys",
        "never",
    ),
    Mechanism(
        "Parents found by their index",
        works.by_owner_into_filled,
        f"{_POSTGRESQL}.table:PostgresqlTable.find_parents_by_index",
        "idle",
    ),
    Mechanism("Rows wait in a file made by us", works.into_sqlite, f"{_SQLITE}.writer:SqliteStage", "stage_of_inserts"),
    Mechanism(
        "Columns of fixed width first in that file", works.into_sqlite, f"{_SQLITE}.writer:_staged", "columns_of_table"
    ),
    Mechanism(
        "Inserts while reading",
        works.many_into_sqlite,
        f"{_SQLITE}.appending:AppendingSqliteWriter._is_time",
        "never",
    ),
    Mechanism(
        "A small cache for a single pass",
        works.many_into_sqlite,
        f"{_SQLITE}.writer:SqliteWriter._has_indexes",
        "always",
    ),
    Mechanism(
        "References checked as a set, and inserts while reading, which need it",
        works.into_sqlite,
        f"{_SQLITE}.writer:SqliteTransaction._begin",
        "checks_each_row",
    ),
    Mechanism("Pages of joined values", works.backup, f"{_POSTGRESQL}.snapshot:PostgresqlSnapshot.read", "row_by_row"),
    Mechanism("The same from SQLite", works.backup_of_sqlite, f"{_SQLITE}.snapshot:joins", "never"),
    Mechanism("Pages fetched ahead", works.backup, "operations.backup_table:prefetch", "same"),
    Mechanism("Blocks made in threads", works.backup, "avro.sink:ThreadPoolExecutor", "no_threads"),
    Mechanism("The backup hashed ahead", works.restore, "cli.restore:hashed_ahead", "nothing_hashed"),
    Mechanism("Arrow's functions by their names", works.small, "arrow.compute:call_function", "public_functions"),
    Mechanism("No search for garbage", works.small, "cli.main:leave_garbage", "idle"),
    Mechanism("No taking apart at the end", works.small, "cli.main:_leave", "idle"),
    Mechanism("Memory from the system", works.into_sqlite, "settings:set_up_libraries", "idle"),
)


def run(lab: Lab) -> Findings:
    """Measure the work of each mechanism with it and without it, in turns."""
    held = [(mechanism, _hold(lab, mechanism)) for mechanism in MECHANISMS]
    targets = [
        Target.at_least(f"Times as long without: {mechanism.name}", _LEAST_TIMES, _worth(contest))
        for mechanism, contest in held
    ]
    return Findings([], targets, [_listing(lab, held)])


def _hold(lab: Lab, mechanism: Mechanism) -> Contest:
    ways = [mechanism.way(lab, _WITH, NOTHING), mechanism.way(lab, _WITHOUT, mechanism.switch)]
    rounds = _ROUNDS_OF_FEW_ROWS if ways[0].rows < _FEW_ROWS else max(_LEAST_ROUNDS, lab.repetitions)
    return hold(lab, mechanism.name, ways, rounds)


def _worth(contest: Contest) -> float | None:
    """How many times as long the work takes without it, by the clock or in processor time, whichever is more."""
    found = contest.find(_WITH), contest.find(_WITHOUT)
    if found[0] is None or found[1] is None:
        return None
    return max(_times(found[0].seconds, found[1].seconds), _times(found[0].cpu_seconds, found[1].cpu_seconds))


def _times(with_it: list[float], without: list[float]) -> float:
    """Of the fastest runs: what disturbs a run only makes it slower."""
    return min(without) / min(with_it)


def _listing(lab: Lab, held: list[tuple[Mechanism, Contest]]) -> Listing:
    headings = ("mechanism", "work", "seconds with", "without", "times", "CPU with", "without", "times", "switch")
    rows = [(mechanism.name, _sentence(mechanism), *_figures(contest), mechanism.switch) for mechanism, contest in held]
    return Listing(f"With each mechanism and without it, {lab.rows:,} rows, fastest runs", headings, rows)


def _sentence(mechanism: Mechanism) -> str:
    return (mechanism.work.__doc__ or "").rstrip(".")


def _figures(contest: Contest) -> tuple[str, ...]:
    with_it, without = contest.find(_WITH), contest.find(_WITHOUT)
    if with_it is None or without is None:
        problems = [outcome.problem for outcome in contest.outcomes if outcome.problem]
        return ("no result", *problems[:1], "", "", "", "")
    both = (with_it.seconds, without.seconds), (with_it.cpu_seconds, without.cpu_seconds)
    return tuple(
        figure
        for before, after in both
        for figure in (f"{min(before):.2f}", f"{min(after):.2f}", f"{_times(before, after):.2f}")
    )
