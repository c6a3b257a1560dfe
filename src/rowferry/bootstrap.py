"""Joins settings, tables, database and observers; the only place that does."""

import importlib

from rowferry import ledger
from rowferry.backends.backend import Backend
from rowferry.dictionary.catalog import Catalog, load_catalog
from rowferry.errors import DatabaseUnsupported
from rowferry.settings import Settings

_BACKENDS = {
    "sqlite": "rowferry.backends.sqlite",
    "postgresql": "rowferry.backends.postgresql",
    "postgres": "rowferry.backends.postgresql",
}
"""One line for each database: the scheme of its URLs, without the driver, and the module that serves it.

Only the module that is used is imported, since a small load should be quick as a whole.
"""


class Service:
    """Everything an entry point needs: the settings in force, the tables, and the database with all of them in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalog: Catalog = load_catalog(settings.models)
        scheme = settings.url.drivername.partition("+")[0]
        if scheme not in _BACKENDS:
            raise DatabaseUnsupported(scheme=scheme)
        self.backend: Backend = importlib.import_module(_BACKENDS[scheme]).open_backend(settings.url)

    def start(self) -> None:
        """Make tables that do not exist yet, and clear what killed processes left behind."""
        with self.backend.errors():
            ledger.metadata.create_all(self.backend.engine)
            self.catalog.metadata.create_all(self.backend.engine)
            for rules in self.catalog:
                self.backend.prepare(rules.table)
            self.clear_interrupted()
            self.backend.sweep()

    def clear_interrupted(self) -> None:
        """Mark loads whose process is gone; their rows went with their transaction."""
        with self.backend.engine.begin() as connection:
            for load_id in ledger.running_loads(connection):
                if not self.backend.is_held(load_id):
                    ledger.interrupt_load(connection, load_id)
