"""Which files a restore reads: the backup of a table, and of its parents out of the same snapshot."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rowferry import ledger
from rowferry.avro.reader import FileState, KnownHash, Seal, none_known
from rowferry.backends.protocol import Backend
from rowferry.backups.manifest import Manifest
from rowferry.backups.store import BackupStore, Listing
from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.load_order import closure
from rowferry.dictionary.rules import TableRules
from rowferry.errors import (
    BackupDamaged,
    BackupMissing,
    BackupOfAnother,
    BackupUnknown,
    BackupUnverified,
    FileMissing,
    OptionUnfit,
    ParentsNotBackedUp,
    RowferryError,
    SourceUnreadable,
)
from rowferry.operations.lost_backups import require_not_lost
from rowferry.operations.restore_receipt import RestoreOptions
from rowferry.operations.sealed_backups import find_sealed
from rowferry.sources.avro.source import AvroSource

_CLOCKS_DIFFER = dt.timedelta(minutes=5)
"""So far the clocks of machines may be apart that share their backups."""

_PARENTS = "{} has no good backups of its parents: {}"

_FUTURE = "{} is dated in the future, {}, because a clock was wrong; if it is the one you want, use --backup"


@dataclass(frozen=True)
class RestoreSource:
    """The file that a table is restored from; without a seal it was made elsewhere, and nothing is known of it.

    `state` is that of the file when it was verified; `passed_over` are newer backups, with what is wrong with them.
    """

    rules: TableRules
    path: Path
    name: str
    backup_id: str | None = None
    seal: Seal | None = None
    state: FileState | None = None
    passed_over: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int | None:
        return self.seal.rows if self.seal else None

    def open(self) -> AvroSource:
        """The rows of the file, which stays the same one whatever is put in its place meanwhile.

        Raises:
            BackupDamaged: It is not there, or not a file.
        """
        try:
            return AvroSource(self.path, self.rules, self.name, self.seal)
        except SourceUnreadable as error:
            if self.seal is None:
                raise
            raise BackupDamaged(path=self.name, reason=str(error.details["reason"])) from error


class RestoreFinder:
    """Finds what to restore a table from, in a store of backups or by the path of a file."""

    def __init__(self, backend: Backend, store: BackupStore, catalog: Catalog, known: KnownHash = none_known) -> None:
        self._backend, self._store, self._catalog, self._known = backend, store, catalog, known

    def find(self, rules: TableRules, backup: str | None, options: RestoreOptions) -> list[RestoreSource]:
        """The sources of a restore, parents first, the table that is asked for last; all that is sealed is verified.

        `backup` is the id of a backup or the path of a file; without it, the newest good backup is taken that has, if
        they are asked for, good backups of the parents.

        Raises:
            BackupUnknown, BackupMissing, PathMissing: There is none.
            BackupsLost: There is none at all, though some were made.
            BackupDamaged: What was asked for by name is not what was written.
            UsageError: It is another table's, or nothing proves what it is, or its parents were not backed up with it.
        """
        # What was made elsewhere may have any name.
        if backup is not None and (_is_path(backup) or (options.unverified and Path(backup).exists())):
            return self._of_file(rules, Path(backup), options)
        if options.unverified:
            allowed = "It is for files from elsewhere: use --backup FILE."
            raise OptionUnfit(option="--unverified", other="a backup in BACKUP_DIR", allowed=allowed)
        require_not_lost(self._backend, self._store)
        if backup is None:
            return self._newest(rules, options)
        return self._verified(rules, backup, options)

    def _of_file(self, rules: TableRules, path: Path, options: RestoreOptions) -> list[RestoreSource]:
        if not path.exists():
            raise FileMissing(path=path)
        backup_id = path.name.removesuffix(".avro")
        listed = self._store.folder.resolve() / path.resolve().parent.name / path.name == path.resolve()
        if options.unverified:
            if options.with_parents:
                allowed = "It is not known which files belong to the same snapshot; restore the parents one by one."
                raise OptionUnfit(option="--with-parents", other="--unverified", allowed=allowed)
            return [RestoreSource(rules, path, path.name)]
        if not listed:
            raise BackupUnverified(path=path)
        return self.find(rules, backup_id, options)

    def _newest(self, rules: TableRules, options: RestoreOptions) -> list[RestoreSource]:
        """The newest good backup; looks again where one is passed over while backups come or go."""
        while True:
            listing = self._store.listing(rules.name)
            try:
                found = self._newest_of(listing, rules, options)
            except (BackupMissing, ParentsNotBackedUp):
                if self._store.listing(rules.name).ids == listing.ids:
                    raise
            else:
                if not found[-1].passed_over or self._store.listing(rules.name).ids == listing.ids:
                    return found

    def _newest_of(self, listing: Listing, rules: TableRules, options: RestoreOptions) -> list[RestoreSource]:
        future = [backup for backup in listing.backups if backup.created > ledger.now() + _CLOCKS_DIFFER]
        past = [backup for backup in listing.backups if backup not in future]
        wrong: dict[str, RowferryError] = {}
        # What a wrong clock made may be older than the others.
        for manifest in [*past, *future]:
            try:
                *parents, found = self._verified(rules, manifest.backup_id, options)
            except (BackupDamaged, BackupUnknown, ParentsNotBackedUp) as error:
                wrong[manifest.backup_id] = error
            else:
                # Ids sort by time; but nobody knows what came after a time that a wrong clock told.
                all_of_them = manifest in future
                newer = {id_: why for id_, why in listing.damaged.items() if all_of_them or id_ > manifest.backup_id}
                dates = {
                    backup.backup_id: _FUTURE.format(backup.backup_id, backup.created_at)
                    for backup in future
                    if not all_of_them
                }
                return [*parents, replace(found, passed_over=_reasons({**newer, **wrong}) | dates)]
        raise self._none_good(rules, wrong, listing)

    def _none_good(self, rules: TableRules, wrong: Mapping[str, RowferryError], listing: Listing) -> RowferryError:
        errors = {**listing.damaged, **wrong}
        if errors and all(isinstance(error, ParentsNotBackedUp) for error in errors.values()):
            return next(iter(errors.values()))
        reason = "; ".join(_reasons(errors).values()) or f"there is none in {self._store.folder}"
        return BackupMissing(table=rules.name, reason=reason)

    def _verified(self, rules: TableRules, backup_id: str, options: RestoreOptions) -> list[RestoreSource]:
        """A backup, after those of its parents if they are asked for; whether there are such is looked at first."""
        manifest = self._sealed(backup_id)
        found = self._source(rules, manifest)
        parents = list(self._parents(rules, manifest)) if options.with_parents else []
        return [self._check(source) for source in (*parents, found)]

    def _check(self, source: RestoreSource) -> RestoreSource:
        with source.open() as rows:
            rows.check(known=self._known)
            return replace(source, state=rows.reader.state)

    def _parents(self, rules: TableRules, manifest: Manifest) -> Iterator[RestoreSource]:
        """Backups of all tables that a table refers to, be it through others, out of the same snapshot."""
        wanted = closure(rules.name, self._referred_by) - {rules.name}
        for parent in (rules for rules in self._catalog if rules.name in wanted):
            siblings = self._store.listing(parent.name).backups
            same = next((backup for backup in siblings if backup.snapshot_id == manifest.snapshot_id), None)
            if same is None:
                raise ParentsNotBackedUp(parent=parent.name, backup=manifest.backup_id)
            yield self._source(parent, self._sealed(same.backup_id))

    def _referred_by(self, name: str) -> set[str]:
        return {reference.parent for reference in self._catalog.table(name).references}

    def _sealed(self, backup_id: str) -> Manifest:
        return find_sealed(self._backend, self._store, backup_id)

    def _source(self, rules: TableRules, manifest: Manifest) -> RestoreSource:
        if manifest.table != rules.name:
            raise BackupOfAnother(backup=manifest.backup_id, found=manifest.table, table=rules.name)
        path = self._store.path(manifest)
        return RestoreSource(rules, path, path.name, manifest.backup_id, manifest.seal)


def _reasons(wrong: Mapping[str, RowferryError]) -> dict[str, str]:
    """What is wrong with each backup, or with those of its parents."""
    return {
        backup_id: error.message if backup_id in error.message else _PARENTS.format(backup_id, error.message)
        for backup_id, error in wrong.items()
    }


def _is_path(backup: str) -> bool:
    return backup.endswith(".avro") or "/" in backup
