"""The settings; the only reader of the environment and of .env."""

import os
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rowferry.errors import SettingInvalid

DEFAULT_MODELS = "rowferry.models"


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

    @field_validator("database_url")
    @classmethod
    def _readable_url(cls, value: str) -> str:
        try:
            make_url(value)
        except (ArgumentError, ValueError) as error:
            raise ValueError("it is not a database URL") from error
        return value

    @property
    def url(self) -> URL:
        return make_url(self.database_url)


def read_settings(database_url: str | None = None) -> Settings:
    """The settings in force; a database URL given here wins over the environment.

    Raises:
        SettingInvalid: A value cannot be used; it is named.
    """
    given = {} if database_url is None else {"database_url": database_url}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # names of fields, by populate_by_name
    except ValidationError as error:
        found = error.errors()[0]
        fields = Settings.model_fields
        name = next((str(f.validation_alias) for key, f in fields.items() if key == found["loc"][0]), found["loc"][0])
        raise SettingInvalid(name=name, reason=found["msg"].removeprefix("Value error, ")) from error


def pass_on(settings: Settings) -> None:
    """Give the database that was asked for to the processes that this one starts."""
    os.environ["SQLALCHEMY_DATABASE_URL"] = settings.database_url
