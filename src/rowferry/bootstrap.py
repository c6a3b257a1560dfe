"""Joins settings, tables, database and observers; the only place that does."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, Table, func, inspect, select
from sqlalchemy.exc import ArgumentError

from rowferry import lazy, ledger
from rowferry.backends.protocol import Backend
from rowferry.backends.registry import ROOMS
from rowferry.backends.schema import misfits
from rowferry.dictionary.catalog import Catalog, load_catalog
from rowferry.dictionary.declared import Declared
from rowferry.dictionary.place import PREFIX, is_of_ledger
from rowferry.errors import (
    DatabaseUnsupported,
    DriverUnsupported,
    ModelsUnusable,
    RowferryError,
    SchemaMissing,
    SettingInvalid,
    models_unusable,
)
from rowferry.folders import folder_faults
from rowferry.migrations import before
from rowferry.migrations.schema import History, SchemaState, look
from rowferry.reports.own.declarations import OwnReport
from rowferry.settings import (
    DEFAULT_MODELS,
    SettingFault,
    Settings,
    database_is_made,
    inspect_settings,
    require_none,
)

if TYPE_CHECKING:  # imported only when they are needed
    from rowferry.migrations import upgrade as upgrading
    from rowferry.reports import listed
else:
    upgrading = lazy.module("rowferry.migrations.upgrade")
    listed = lazy.module("rowferry.reports.listed")


_REPORTS = "ROWFERRY_REPORTS"


class Service:
    """Everything an entry point needs: the settings in force, the tables, and the database with all of them in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalog: Catalog = load_catalog(settings.models, settings.url.get_backend_name())
        self.histories: tuple[History, ...] = ("ledger", "models") if settings.models == DEFAULT_MODELS else ("ledger",)
        self.backend = open_backend(settings)
        _require_served(settings, self.catalog, self.backend)

    def start(self) -> None:
        """Bring a database up to date that is empty or embedded, and clear what killed processes left behind.

        Of one that is up to date, it only reads.

        Raises:
            SchemaOlder: Others may be at work on the database, so that `rowferry db upgrade` has to be asked for.
            SchemaNewer: A newer program has migrated the database.
            SchemaDiffers: A table has not the columns of its model.
            SchemaMissing: A table has to be made in a schema that does not exist.
            ModelsUnusable: Two models are for the same table.
        """
        with self.backend.errors():
            state = self.schema()
            state.require_known()
            if state.pending and (self.backend.capabilities.embedded or not state.applied):
                self.upgrade()
                state = self.schema()
            self.require_usable(self._with_all_tables(state))
            self.clear_interrupted()
            self.backend.sweep()

    @cached_property
    def reports(self) -> dict[str, OwnReport]:
        """The reports of a user's own, by name; their files are read when they are first asked for.

        Raises:
            SettingInvalid: A file of theirs is faulty.
        """
        return own_reports(self.settings)

    def close(self) -> None:
        """Close all connections; an embedded database is a single file again."""
        self.backend.engine.dispose()

    def schema(self) -> SchemaState:
        """How the schema of the database stands to this program.

        Raises:
            ModelsUnusable: Two models are for the same table of it.
        """
        with self.backend.errors(), self.backend.engine.connect() as connection:
            tables = self.catalog.metadata.tables.values()
            _require_apart(self.settings, self.backend.same(connection, tables))
            return look(self.backend, connection, self.histories, tables)

    def upgrade(self) -> tuple[str, ...]:
        """Apply the migrations that the database lacks; those that were applied."""
        return upgrading.upgrade(self.backend, self.histories)

    def require_usable(self, state: SchemaState) -> None:
        """Raise SchemaNewer, SchemaOlder or SchemaDiffers unless every table is there with the columns of its model."""
        state.require_current()
        for table in state.tables:
            self.backend.require(table, state.columns.get(table.key))

    def clear_interrupted(self) -> None:
        """Mark loads and restores whose process is gone; their rows went with their transaction."""
        with self.backend.engine.connect() as connection:
            running = ledger.running(connection)
        left = [(kind, id_) for kind, id_ in running if not self.backend.is_held(id_)]
        if left:  # whoever writes has to wait for others who write
            with self.backend.short_transaction() as transaction:
                for kind, id_ in left:
                    ledger.interrupt(transaction.connection, kind, id_)

    def _with_all_tables(self, state: SchemaState) -> SchemaState:
        """Make tables that no migration makes: those of a user's own models, and what somebody dropped."""
        missing = [table for table in state.tables if table.key not in state.columns]
        if state.is_current and missing:
            _require_schemas(self.backend, missing)
            upgrading.make_missing(self.backend, self.catalog.metadata)
            return self.schema()
        return state


def own_reports(settings: Settings) -> dict[str, OwnReport]:
    """The reports of a user's own, by name.

    Raises:
        SettingInvalid: A file of theirs is faulty; all faults of all files are named.
    """
    if settings.reports is None:
        return {}
    found: dict[str, OwnReport]
    found, faults = listed.read_own_reports(settings.reports)
    require_none([SettingFault(_REPORTS, "".join(f"\n  {fault}" for fault in faults))] if faults else [])
    return found


def check_settings(database_url: str | None = None) -> Settings:
    """The settings in force, once all that can be known without the database has been looked at.

    Raises:
        SettingInvalid, SettingsInvalid: All that is wrong with them, at once.
    """
    settings, faults = try_settings(database_url)
    require_none(faults)
    return settings


def try_settings(database_url: str | None = None) -> tuple[Settings, list[SettingFault]]:
    """The same, with all that is wrong: what cannot be read has its default instead."""
    settings, faults = inspect_settings(database_url)
    faults += folder_faults(settings)
    try:
        own_reports(settings)
    except SettingInvalid as error:
        faults.append(SettingFault(_REPORTS, str(error.details["reason"])))
    catalog: Catalog | None = None
    try:
        catalog = load_catalog(settings.models, settings.url.get_backend_name())
    except ModelsUnusable as error:
        faults.append(_fault("ROWFERRY_MODELS", error))
    try:
        backend = open_backend(settings)
        if catalog:
            _require_served(settings, catalog, backend)
    except ModelsUnusable as error:
        faults.append(_fault("ROWFERRY_MODELS", error))
    except DatabaseUnsupported as error:
        faults.append(_fault("SQLALCHEMY_DATABASE_URL", error))
    return settings, faults


def _fault(name: str, error: RowferryError) -> SettingFault:
    advice = error.advice if error.advice[:2].isupper() else error.advice[:1].lower() + error.advice[1:]
    return SettingFault(name, f"{error.message}; {advice.rstrip('.')}")


def _require_served(settings: Settings, catalog: Catalog, backend: Backend) -> None:
    """Raise ModelsUnusable if a table has a name that is taken, or values that the database does not keep apart."""
    if reasons := _unserved(catalog.metadata, backend):
        raise models_unusable(settings.models, reasons)


def _require_apart(settings: Settings, same: Sequence[tuple[str, str]]) -> None:
    """Raise ModelsUnusable if some models are for the same table, two by two."""
    if same:
        reasons = [f"{first} and {second} are the same table of the database; leave one out" for first, second in same]
        raise models_unusable(settings.models, reasons)


def _require_schemas(backend: Backend, tables: Iterable[Table]) -> None:
    """Raise SchemaMissing unless the schemas are there that models name for tables that have to be made."""
    if not (wanted := {table.schema for table in tables if table.schema}):
        return
    with backend.engine.connect() as connection:
        missing = sorted(wanted.difference(inspect(connection).get_schema_names()))
        user = str(connection.scalar(select(func.current_user())))
    if missing:
        quoted = backend.engine.dialect.identifier_preparer.quote
        statements = (f"CREATE SCHEMA {quoted(schema)} AUTHORIZATION {quoted(user)};" for schema in missing)
        raise SchemaMissing(schema=", ".join(missing), statement=" ".join(statements))


def _unserved(metadata: MetaData, backend: Backend) -> list[str]:
    reasons: list[str] = []
    for table in metadata.tables.values():
        if table.name.lower().startswith(PREFIX):
            reasons.append(f"{table.key}: names that begin with {PREFIX} are reserved for Rowferry's tables; rename it")
        if table.schema and is_of_ledger(table.schema):
            reasons.append(f"{table.key}: the schema {table.schema} is reserved for Rowferry's tables; use another one")
        reasons += backend.unkept(table)
    return reasons


def own_names(backend: Backend, connection: Connection) -> set[str]:
    """The names of Rowferry's own tables that stand, or may stand, among those of others: also of older programs."""
    place = ledger.place_of(connection)
    left = before.left_out_of_place(place, backend.columns(connection, before.out_of_place(place)))
    return left | {f"{PREFIX}{table.name}" for table in (ledger.versions, *ledger.metadata.tables.values())}


def faults_of(metadata: MetaData, backend: Backend, dialect: str) -> list[str]:
    """Why tables cannot be served on a database; empty if they can."""
    try:
        Catalog(Declared(metadata, {}), dialect)
    except LookupError as error:
        return list(error.args)
    return _unserved(metadata, backend)


def faults_on_database(metadata: MetaData, backend: Backend, connection: Connection) -> list[str]:
    """The same of tables that the database has already, whose columns it must keep as they are declared.

    A partition is left to the table that it is a part of, whose backups have its rows.
    """
    if found := faults_of(metadata, backend, connection.dialect.name):
        return found
    tables = metadata.tables.values()
    columns, partitions = backend.columns(connection, tables), backend.partitions(connection, tables)
    for table in tables:
        if whole := partitions.get(table.key):
            found.append(f"it is a partition of {whole}, and served with it")
        found += misfits(table, columns.get(table.key, set()))
    return found


def open_backend(settings: Settings) -> Backend:
    """The database of the settings, on which nothing has been started."""
    scheme, _, driver = settings.url.drivername.partition("+")
    if scheme not in ROOMS:
        raise DatabaseUnsupported(scheme=scheme)
    if driver not in ("", ROOMS[scheme].driver):
        raise DriverUnsupported(driver=driver, scheme=scheme, served=ROOMS[scheme].driver)
    try:
        return ROOMS[scheme].room.open_backend(settings.url, is_made=database_is_made())
    except (ValueError, ArgumentError) as error:
        raise SettingInvalid(name="SQLALCHEMY_DATABASE_URL", reason=f"its options cannot be used: {error}") from error
