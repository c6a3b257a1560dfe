"""The place where measurements happen: a temporary folder with seeded files, and how much is to be measured."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.installed import ROWFERRY
from bench.postgresql import Server
from bench.processes import Run, measure, run_aside
from rowferry.samples import SAMPLE_SEED, write_samples


@dataclass(frozen=True)
class Lab:
    """Where and how much to measure; all files are made once and shared by all subjects."""

    folder: Path
    server: Server
    rows: int
    repetitions: int

    def samples(self, rows: int, *, faulty: int = 0, first_id: int = 1) -> Path:
        """The folder of departments.csv, jobs.csv and a hired_employees.csv of so many rows."""
        folder = self.folder / f"rows{rows}-faulty{faulty}-from{first_id}"
        if not folder.exists():
            write_samples(folder, rows, SAMPLE_SEED, faulty=faulty, first_id=first_id)
        return folder

    def measure(self, command: Sequence[str], rows: int, environment: Mapping[str, str]) -> Run:
        """Measure a command over so many rows, once earlier writes have reached the disk."""
        os.sync()
        return measure(command, self.work_folder(), 180 + rows // 10_000, self._surroundings(environment))

    def load_aside(self, url: str, *paths: Path) -> None:
        """Load files with Rowferry, not measured."""
        self.aside([ROWFERRY, "load", *map(str, paths), "--json"], {"SQLALCHEMY_DATABASE_URL": url})

    def aside(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a command that is not measured."""
        run_aside(command, self.work_folder(), self._surroundings(environment))

    def work_folder(self) -> Path:
        """An empty folder to run commands in, where no .env of anybody counts."""
        folder = self.folder / "work"
        folder.mkdir(exist_ok=True)
        return folder

    def _surroundings(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {"LOG_DIR": str(self.folder / "logs"), **environment}
