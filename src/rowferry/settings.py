"""The settings; the only reader of the environment and of .env."""

import difflib
import os
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rowferry.errors import SettingInvalid, SettingsInvalid

DEFAULT_MODELS = "rowferry.models"

_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # named by the library that reads it, too

_DATABASE_MADE = "_ROWFERRY_DATABASE_MADE"

_LIBRARIES = {"OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""What libraries read when they are imported, and what is best for a command.

docs/decisions/0013-the-start-of-a-process.md has the figures. Nothing here multiplies matrices: threads that NumPy's
library for that starts would only take time from others. Arrow's own memory takes a moment to be made, and a fifth
more room.
"""


def _database_url(text: str) -> str:
    try:
        make_url(text)
    except (ArgumentError, ValueError) as error:
        reason = "not a database URL; give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
        raise ValueError(reason) from error
    return text


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 1 <= float(text) <= 3600:
            return float(text)
    raise ValueError(f"{text!r} is not a number of seconds; give a number from 1 to 3600")


_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.IGNORECASE)


def _host_names(text: str) -> str:
    for name in text.split(","):
        if not _HOST_NAME.fullmatch(name.strip()):
            hint = "give only names, separated by commas, such as app,rowferry.example.org: no scheme, no port, no *"
            raise ValueError(f"{name.strip()!r} is not a host name; {hint}")
    return text


def _about(name: str, meaning: str, read: Callable[[str], object] = str) -> dict[str, Any]:
    """What is known of a setting; `read` makes its value of text, or says in a ValueError what to do about it."""
    return {"name": name, "meaning": meaning, "read": read}


@dataclass(frozen=True)
class Settings:
    """Where things are."""

    database_url: str = field(
        default="sqlite:///rowferry.db",
        metadata=_about(
            "SQLALCHEMY_DATABASE_URL",
            "The database: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
            _database_url,
        ),
    )
    data_dir: Path = field(
        default=Path("data"), metadata=_about("DATA_DIR", "Where loads find <table>.csv, plain or compressed", Path)
    )
    backup_dir: Path = field(default=Path("backups"), metadata=_about("BACKUP_DIR", "Where backups are kept", Path))
    log_dir: Path = field(
        default=Path("logs"), metadata=_about("LOG_DIR", "Where logs go: JSON lines, one file per operation", Path)
    )
    models: str = field(
        default=DEFAULT_MODELS,
        metadata=_about(
            "ROWFERRY_MODELS", "The SQLAlchemy tables that are served: a file, package.module or package.module:Base"
        ),
    )
    hosts: str = field(
        default="localhost",
        metadata=_about(
            "ROWFERRY_HOSTS",
            "Names of the service besides localhost and IP addresses, separated by commas; other names are refused",
            _host_names,
        ),
    )
    shutdown_seconds: float = field(
        default=25.0,
        metadata=_about(
            "ROWFERRY_SHUTDOWN_SECONDS",
            "How long the service may take to stop; loads that take longer are rolled back",
            _seconds,
        ),
    )

    reports: Path | None = field(
        default=None,
        metadata=_about(
            "ROWFERRY_REPORTS", "The folder of reports of one's own, NAME.sql; none unless it is set", Path
        ),
    )
    report_seconds: float = field(
        default=60.0,
        metadata=_about("ROWFERRY_REPORT_SECONDS", "How long a report of one's own may take", _seconds),
    )

    @property
    def url(self) -> URL:
        return make_url(self.database_url)


_FIELDS = {field.name: field for field in fields(Settings)}


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
    given = _dot_env() | _environment()
    if database_url is not None:
        given[_name(_FIELDS["database_url"])] = database_url
    found: dict[str, Any] = {}
    faults = []
    for key, setting in _FIELDS.items():
        try:
            if (name := _name(setting)) in given:
                found[key] = setting.metadata["read"](_printable(given[name]))
        except ValueError as error:
            faults.append(SettingFault(name, str(error)))
    return Settings(**found), faults


def _printable(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty; give a value, or remove it to use the default")
    if not text.isprintable():
        raise ValueError("it contains control characters; remove them")
    return text


def _environment() -> dict[str, str]:
    """The variables in capitals; of two that differ in case only, the one that was written so."""
    return {name.upper(): value for name, value in os.environ.items()} | dict(os.environ)


def _dot_env() -> dict[str, str]:
    """What the file .env sets, if there is one; a name without a value is empty.

    Raises:
        SettingInvalid: It, or a line of it, cannot be read.
    """
    file = Path(".env")
    try:
        text = "" if file.is_dir() else file.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(name=".env", reason=f"cannot read it ({error}); save it as UTF-8 text") from error
    if wrong := next((found.original for found in parse_stream(StringIO(text)) if found.error), None):
        reason = f"line {wrong.line} sets nothing; use NAME=VALUE, and close every quote"
        raise SettingInvalid(name=".env", reason=reason)
    return {name.upper(): value or "" for name, value in dotenv_values(stream=StringIO(text)).items()}


def require_none(faults: Sequence[SettingFault]) -> None:
    """Raise SettingInvalid for one fault, SettingsInvalid for several."""
    if len(faults) == 1:
        raise SettingInvalid(name=faults[0].name, reason=faults[0].reason)
    if faults:
        listed = "".join(f"\n  {fault.name}: {fault.reason}" for fault in faults)
        raise SettingsInvalid(count=len(faults), faults=listed)


def settings_in_force(
    settings: Settings, database_url: str | None = None, faulty: Container[str] = ()
) -> list[SettingInForce]:
    """Every setting as it may be shown, with its source: --database-url, environment, .env or default.

    Of those that are faulty, the value is not shown: it may be the default, or hold a secret in an unforeseen place.
    """
    file = _dot_env()
    return [
        SettingInForce(
            name=_name(setting),
            value="cannot be used" if _name(setting) in faulty else _shown(settings, key),
            source="--database-url"
            if key == "database_url" and database_url is not None
            else _source(_name(setting), file),
            meaning=setting.metadata["meaning"],
        )
        for key, setting in _FIELDS.items()
    ]


def _shown(settings: Settings, key: str) -> str:
    return masked_url(settings.url) if key == "database_url" else str(getattr(settings, key) or "none")


def unknown_settings() -> Iterator[str]:
    """What is set as ROWFERRY_…, but is no setting, in words."""
    known = [_name(setting) for setting in _FIELDS.values()]
    for name in sorted(_environment().keys() | _dot_env().keys()):
        if name.startswith("ROWFERRY_") and name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.8)
            yield f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else "")


def masked_url(url: URL) -> str:
    """A database URL as it may be shown: without its passwords."""
    hidden = {name: "***" for name in url.query if "password" in name.lower()}
    return url.update_query_dict(hidden).render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def set_up_libraries() -> None:
    """Set libraries up for a command, except where the user has done so; they must not have been imported yet."""
    for name, value in _LIBRARIES.items():
        os.environ.setdefault(name, value)


def pass_on(settings: Settings, host: str, metrics_folder: str | None) -> None:
    """Give the processes that this one starts what was asked of it: database, host name, a folder for all metrics."""
    os.environ["SQLALCHEMY_DATABASE_URL"] = settings.database_url
    if _HOST_NAME.fullmatch(host):
        os.environ[_name(_FIELDS["hosts"])] = f"{settings.hosts},{host}"
    if metrics_folder is not None:
        os.environ[_METRICS_FOLDER] = metrics_folder


def pass_on_that_database_is_made() -> None:
    """Let the processes that this one starts from now on make no database, since others have done that before."""
    os.environ[_DATABASE_MADE] = "1"


def database_is_made() -> bool:
    """Whether this process takes the place of another one, and so makes no database."""
    return _DATABASE_MADE in os.environ


def shared_metrics_folder() -> str | None:
    """Where the workers of one service keep their metrics; None if this process is alone."""
    return os.environ.get(_METRICS_FOLDER)


def _name(setting: "Field[Any]") -> str:
    return str(setting.metadata["name"])


def _source(name: str, file: Mapping[str, str]) -> str:
    if name in _environment():
        return "environment"
    return ".env" if name in file else "default"
