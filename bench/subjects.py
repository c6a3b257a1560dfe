"""What can be measured. A new subject is a module with `run(lab) -> Findings` and a line here."""

from collections.abc import Callable

from bench import (
    backups,
    batches,
    judging,
    kinds,
    line_items,
    loads,
    mechanisms,
    memory,
    other_tables,
    owner,
    part_files,
    reports,
    restores,
    small_load,
)
from bench.contests import Findings
from bench.lab import Lab

SUBJECTS: dict[str, tuple[str, Callable[[Lab], Findings]]] = {
    "loads": ("Loading", loads.run),
    "line-items": ("Backups and restores of line items", line_items.run),
    "other-tables": ("Other tables", other_tables.run),
    "kinds": ("A column of each kind", kinds.run),
    "part-files": ("Many files, and faulty ones", part_files.run),
    "owner": ("An owner without superuser rights", owner.run),
    "memory": ("Memory of a load", memory.run),
    "batches": ("Batches by HTTP", batches.run),
    "backups": ("Backups", backups.run),
    "reports": ("Reports", reports.run),
    "restores": ("Restores", restores.run),
    "small-load": ("A small load", small_load.run),
    "judging": ("Judging alone", judging.run),
    "mechanisms": ("What each part that is there for speed is worth", mechanisms.run),
}
"""By the name people type: the heading in the report, and what measures it."""
