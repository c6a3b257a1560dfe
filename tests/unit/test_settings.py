"""Settings: from the environment or .env, and a database URL given by hand wins."""

from pathlib import Path

import pytest

from rowferry.bootstrap import Service
from rowferry.errors import DatabaseUnsupported, ModelsUnusable, SettingInvalid
from rowferry.settings import read_settings

VARIABLES = ("SQLALCHEMY_DATABASE_URL", "DATA_DIR", "BACKUP_DIR", "LOG_DIR", "ROWFERRY_MODELS")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = read_settings()
    assert settings.database_url == "sqlite:///rowferry.db"
    assert (settings.data_dir, settings.backup_dir, settings.log_dir) == (Path("data"), Path("backups"), Path("logs"))
    assert settings.models == "rowferry.models"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, f"sqlite:///{name}")
    settings = read_settings()
    assert settings.database_url == "sqlite:///SQLALCHEMY_DATABASE_URL"
    assert settings.data_dir == Path("sqlite:///DATA_DIR")
    assert settings.models == "sqlite:///ROWFERRY_MODELS"


def test_the_environment_wins_over_dot_env_and_the_argument_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SQLALCHEMY_DATABASE_URL=sqlite:///dotenv.db\nDATA_DIR=elsewhere\nPOSTGRES_USER=x\n")
    assert read_settings().database_url == "sqlite:///dotenv.db"
    monkeypatch.setenv("SQLALCHEMY_DATABASE_URL", "sqlite:///environment.db")
    assert read_settings().database_url == "sqlite:///environment.db"
    assert read_settings().data_dir == Path("elsewhere")
    assert read_settings("sqlite:///given.db").database_url == "sqlite:///given.db"


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite", "postgresql://host:port/x"])
def test_a_url_that_is_none_is_refused_by_the_name_of_its_variable(url: str) -> None:
    with pytest.raises(SettingInvalid, match="SQLALCHEMY_DATABASE_URL"):
        read_settings(url)


@pytest.mark.parametrize("url", ["mysql://u@h/d", "sqlite://", "sqlite:///:memory:", "mssql+pyodbc://h/d"])
def test_databases_that_no_backend_serves_are_refused(url: str) -> None:
    with pytest.raises(DatabaseUnsupported) as caught:
        Service(read_settings(url))
    assert "postgresql://" in caught.value.advice


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres", "sqlite", "sqlite+pysqlite"])
def test_each_scheme_has_its_backend(scheme: str) -> None:
    service = Service(
        read_settings(f"{scheme}://user:secret@host/database" if "p" in scheme[:1] else f"{scheme}:///f.db")
    )
    assert service.backend.engine.dialect.name == scheme.partition("+")[0].replace("postgres", "postgresql")[:10]


@pytest.mark.parametrize("module", ["rowferry.absent", "rowferry.events", "json"])
def test_a_module_without_tables_is_refused_by_name(module: str) -> None:
    with pytest.raises(ModelsUnusable, match=module):
        Service(read_settings().model_copy(update={"models": module}))
