"""Measures several ways of doing the same work, in turns, and compares them."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.processes import NoResultError, Run

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Way:
    """One way of doing the work: a command, what comes before it and what must hold after it.

    `check` raises NoResultError where the work was not done; `rows` says how many rows go through it; `note` holds what
    the command does not show.
    """

    name: str
    rows: int
    command: Sequence[str]
    prepare: Callable[[], None]
    check: Callable[[Run], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass
class Outcome:
    """What the runs of one way took; `problem` says why there is no result."""

    name: str
    rows: int
    command: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    problem: str | None = None

    @property
    def median_seconds(self) -> float:
        return median(self.seconds)

    @property
    def highest_mb(self) -> float:
        return max(self.peak_mb)


@dataclass
class Contest:
    """The outcomes of all ways, our own first."""

    title: str
    outcomes: list[Outcome]

    def find(self, name: str) -> Outcome | None:
        """The outcome of a way, if it has a result."""
        return next((o for o in self.outcomes if o.name == name and not o.problem), None)

    def ratio(self, peer: str, to: str) -> float | None:
        """How many times as long one way takes as another: the median over the rounds, each round in itself."""
        measured, reference = self.find(peer), self.find(to)
        if measured is None or reference is None:
            return None
        return median(a / b for a, b in zip(measured.seconds, reference.seconds, strict=True))

    def peak(self, name: str) -> float | None:
        outcome = self.find(name)
        return outcome.highest_mb if outcome else None


@dataclass
class Target:
    """What was asked for, and what came out; None where there is no result."""

    text: str
    wanted: str
    measured: float | None
    met: bool | None

    @classmethod
    def at_least(cls, text: str, limit: float, measured: float | None) -> "Target":
        return cls(text, f"at least {limit:g}", measured, None if measured is None else measured >= limit)

    @classmethod
    def at_most(cls, text: str, limit: float, measured: float | None) -> "Target":
        return cls(text, f"at most {limit:g}", measured, None if measured is None else measured <= limit)


@dataclass
class Listing:
    """Figures that are compared with nothing."""

    title: str
    headings: Sequence[str]
    rows: list[tuple[str, ...]]


@dataclass
class Findings:
    """All that a subject found out."""

    contests: list[Contest]
    targets: list[Target]
    listings: list[Listing] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def hold(lab: Lab, title: str, ways: Sequence[Way], repetitions: int | None = None) -> Contest:
    """Run all ways in turns, as often as asked; a way without a result is not run again."""
    outcomes = [Outcome(way.name, way.rows, _shown(lab, way)) for way in ways]
    for turn in range(repetitions or lab.repetitions):
        for way, outcome in zip(ways, outcomes, strict=True):
            if not outcome.problem:
                _run(lab, way, outcome)
                _tell(f"{title}, {turn + 1}: {way.name}", outcome)
    return Contest(title, outcomes)


def _run(lab: Lab, way: Way, outcome: Outcome) -> None:
    way.prepare()
    try:
        run = lab.measure(way.command, way.rows, way.environment)
        way.check(run)
    except NoResultError as error:
        outcome.problem = str(error)
    else:
        outcome.seconds.append(round(run.seconds, 3))
        outcome.cpu_seconds.append(round(run.cpu_seconds, 3))
        outcome.peak_mb.append(round(run.peak_mb, 1))


def _tell(title: str, outcome: Outcome) -> None:
    sentence = outcome.problem or f"{outcome.seconds[-1]:.2f} s, {outcome.peak_mb[-1]:.0f} MB"
    print(f"{title}: {sentence}", file=sys.stderr, flush=True)


def _shown(lab: Lab, way: Way) -> str:
    """The command as people would type it, in a folder of their own."""
    parts = [f"{name}={shlex.quote(value)}" for name, value in way.environment.items()]
    note = f"\n# {way.note}" if way.note else ""
    command = " ".join([*parts, *map(_quoted, way.command)]) + note
    command = command.replace(str(lab.folder), "BENCH").replace(f"{Path(ROWFERRY).parent}/", "")
    return command.replace(f"{sys.prefix}/", "").replace(f"{_ROOT}/", "")


def _quoted(part: str) -> str:
    """As shlex.quote, but easier to read where there are quotes in a part."""
    return f'"{part}"' if "'" in part and not set(part) & set('"$`') else shlex.quote(part)
