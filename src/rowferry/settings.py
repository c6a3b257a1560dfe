"""The settings; the only reader of the environment and of .env."""

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rowferry.errors import SettingInvalid, SettingsInvalid

DEFAULT_MODELS = "rowferry.models"

_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # named by the library that reads it, too


class Settings(BaseSettings):
    """Where things are; each field's title is the name of its variable."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True)

    database_url: str = Field(
        default="sqlite:///rowferry.db",
        validation_alias="SQLALCHEMY_DATABASE_URL",
        description="The database: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
    )
    data_dir: Path = Field(
        default=Path("data"), validation_alias="DATA_DIR", description="Where loads find <table>.csv[.gz|.zst]"
    )
    backup_dir: Path = Field(
        default=Path("backups"), validation_alias="BACKUP_DIR", description="Where backups are kept"
    )
    log_dir: Path = Field(
        default=Path("logs"),
        validation_alias="LOG_DIR",
        description="Where logs go: JSON lines, one file per operation",
    )
    models: str = Field(
        default=DEFAULT_MODELS,
        validation_alias="ROWFERRY_MODELS",
        description="The module whose SQLAlchemy tables are served",
    )
    hosts: str = Field(
        default="localhost",
        validation_alias="ROWFERRY_HOSTS",
        description="Names of the service that browsers may use, by commas; names without a dot need not be named",
    )
    shutdown_seconds: float = Field(
        default=25.0,
        ge=1,
        le=3600,
        validation_alias="ROWFERRY_SHUTDOWN_SECONDS",
        description="How long a stop of the service may take; loads that need longer roll back",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError("it is empty; give a value, or leave it out for the default")
        if isinstance(value, str) and not value.isprintable():
            raise ValueError("it holds control characters; remove them")
        return value

    @field_validator("database_url")
    @classmethod
    def _readable_url(cls, value: str) -> str:
        try:
            make_url(value)
        except (ArgumentError, ValueError) as error:
            told = "it is not a database URL; give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
            raise ValueError(told) from error
        return value

    @property
    def url(self) -> URL:
        return make_url(self.database_url)


@dataclass(frozen=True)
class SettingFault:
    """What is wrong with one setting, and what to do about it."""

    name: str
    reason: str


@dataclass(frozen=True)
class SettingInForce:
    """A setting as it may be shown, secrets masked, and where it came from."""

    name: str
    value: str
    source: str
    meaning: str


def read_settings(database_url: str | None = None) -> Settings:
    """The settings in force; a database URL given here wins over the environment.

    Raises:
        SettingInvalid, SettingsInvalid: Values cannot be used; all of them are named.
    """
    settings, faults = inspect_settings(database_url)
    require_none(faults)
    return settings


def inspect_settings(database_url: str | None = None) -> tuple[Settings, list[SettingFault]]:
    """The settings, and what is wrong with them; a setting that cannot be used has its default instead."""
    given: dict[str, Any] = {} if database_url is None else {"database_url": database_url}
    try:
        return Settings(**given), []
    except ValidationError as error:
        keys = {name: key for key, field in Settings.model_fields.items() for name in (key, _name(key))}
        wrong = {keys[str(found["loc"][0])]: found["msg"].removeprefix("Value error, ") for found in error.errors()}
        defaults = {key: Settings.model_fields[key].default for key in wrong}
        return Settings(**given | defaults), [SettingFault(_name(key), reason) for key, reason in wrong.items()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(name=".env", reason=f"it cannot be read ({error}); save it as UTF-8 text") from error


def require_none(faults: Sequence[SettingFault]) -> None:
    """Raise SettingInvalid for one fault, SettingsInvalid for several."""
    if len(faults) == 1:
        raise SettingInvalid(name=faults[0].name, reason=faults[0].reason)
    if faults:
        listed = "".join(f"\n  {fault.name}: {fault.reason}" for fault in faults)
        raise SettingsInvalid(count=len(faults), faults=listed)


def folder_faults(settings: Settings) -> list[SettingFault]:
    """The folders that cannot be used as they are to be, found out by trying; nothing that is tried is left behind."""
    found = []
    try:
        with suppress(FileNotFoundError):
            os.scandir(settings.data_dir).close()
    except OSError as error:
        told = f"{settings.data_dir} is no folder that can be read: {error.strerror}; choose another one, or allow it"
        found.append(SettingFault("DATA_DIR", told))
    for name, folder in (("BACKUP_DIR", settings.backup_dir), ("LOG_DIR", settings.log_dir)):
        try:
            _try_to_write(folder.absolute())
        except OSError as error:
            told = f"{folder} cannot be written to: {error.strerror}; choose another one, or allow it"
            found.append(SettingFault(name, told))
    return found


def _try_to_write(folder: Path) -> None:
    """Make something in a folder, or where it is to be made: under another name, since others may be making it now."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    Path(mkdtemp(prefix=".rowferry-", dir=there)).rmdir()


def settings_in_force(settings: Settings, database_url: str | None = None) -> list[SettingInForce]:
    """Every setting as it may be shown, with its source: --database-url, environment, .env or default."""
    file = DotEnvSettingsSource(Settings).env_vars
    return [
        SettingInForce(
            name=_name(key),
            value=masked_url(settings.url) if key == "database_url" else str(getattr(settings, key)),
            source="--database-url"
            if key == "database_url" and database_url is not None
            else _source(_name(key), file),
            meaning=field.description or "",
        )
        for key, field in Settings.model_fields.items()
    ]


def unknown_settings() -> Iterator[str]:
    """What is set as ROWFERRY_…, but is no setting, in words."""
    known = [_name(key) for key in Settings.model_fields]
    for name in sorted({one.upper() for one in (*os.environ, *DotEnvSettingsSource(Settings).env_vars)}):
        if name.startswith("ROWFERRY_") and name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.8)
            yield f"{name} is no setting" + (f"; do you mean {near[0]}?" if near else "")


def masked_url(url: URL) -> str:
    """A database URL as it may be shown: without its passwords."""
    hidden = {name: "***" for name in url.query if "password" in name.lower()}
    return url.update_query_dict(hidden).render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def pass_on(settings: Settings, metrics_folder: str | None) -> None:
    """Give the processes that this one starts the database that was asked for, and a folder for the metrics of all."""
    os.environ["SQLALCHEMY_DATABASE_URL"] = settings.database_url
    if metrics_folder is not None:
        os.environ[_METRICS_FOLDER] = metrics_folder


def shared_metrics_folder() -> str | None:
    """Where the workers of one service keep their metrics; None if this process is alone."""
    return os.environ.get(_METRICS_FOLDER)


def _name(key: str) -> str:
    return str(Settings.model_fields[key].validation_alias)


def _source(name: str, file: Mapping[str, str | None]) -> str:
    if name in {one.upper() for one in os.environ}:
        return "environment"
    return ".env" if name in {one.upper() for one in file} else "default"
