"""What the measurements were taken on and with."""

import datetime as dt
import os
import platform
import re
from importlib.metadata import requires, version
from pathlib import Path

from bench.installed import python_version
from bench.lab import Lab
from bench.tools import PGLOADER, SQLITE3, version_of


def describe(lab: Lab) -> dict[str, str]:
    """The date, the machine and the versions of all that takes part."""
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{_system()}, {platform.system()} {platform.release()}",
        "Python": python_version(),
        "PostgreSQL": f"{lab.server.version}, default settings",
        "psql": version_of(lab.server.psql),
        "sqlite3": version_of(SQLITE3),
        "pgloader": version_of(PGLOADER),
        "libraries": ", ".join(f"{name} {version(name)}" for name in ["rowferry", *_libraries()]),
        "files": f"seeded, {lab.rows:,} rows of {_bytes_a_row(lab):.0f} bytes, {lab.repetitions} rounds",
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown system")


def _libraries() -> list[str]:
    """The libraries that Rowferry asks for."""
    return [re.split(r"[^\w.-]", line)[0] for line in requires("rowferry") or []]


def _bytes_a_row(lab: Lab) -> float:
    return (lab.samples(lab.rows) / "hired_employees.csv").stat().st_size / lab.rows
