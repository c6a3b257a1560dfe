"""Settings: from the environment or .env, and a database URL given by hand wins."""

from dataclasses import replace
from pathlib import Path

import pytest

from rowferry.bootstrap import Service, check_settings
from rowferry.errors import DatabaseUnsupported, ModelsUnusable, SettingInvalid, SettingsInvalid
from rowferry.settings import read_settings, settings_in_force, unknown_settings

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


def test_names_may_be_written_small_and_the_exact_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("data_dir=small\n")
    assert read_settings().data_dir == Path("small")
    monkeypatch.setenv("data_dir", "smaller")
    assert read_settings().data_dir == Path("smaller")
    monkeypatch.setenv("DATA_DIR", "capital")
    assert read_settings().data_dir == Path("capital")


def test_times_are_read_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWFERRY_SHUTDOWN_SECONDS", "1.5")
    assert read_settings().shutdown_seconds == 1.5


def test_a_name_without_a_value_in_dot_env_is_told() -> None:
    Path(".env").write_text("DATA_DIR\n")
    with pytest.raises(SettingInvalid, match="DATA_DIR"):
        read_settings()


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
        Service(replace(read_settings(), models=module))


def test_a_models_module_that_breaks_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_models.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelsUnusable, match=r"broken_models cannot be served: .*line 1: ZeroDivisionError"):
        Service(replace(read_settings(), models="broken_models"))


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    wrong = {
        "SQLALCHEMY_DATABASE_URL": "nonsense with hidden",
        "DATA_DIR": "a-file",
        "BACKUP_DIR": " ",
        "LOG_DIR": "a-file/below",
        "ROWFERRY_MODELS": "json",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as caught:
        check_settings()
    lines = caught.value.message.splitlines()
    assert lines[0] == "5 settings are not valid:"
    assert sorted(line.split(":")[0].strip() for line in lines[1:]) == sorted(wrong)
    assert all(";" in line for line in lines[1:]), "each says what to do"
    assert "hidden" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SQLALCHEMY_DATABASE_URL", "oracle://x", "oracle"),
        ("DATA_DIR", "da\tta", "control characters"),
        ("LOG_DIR", "", "empty"),
        ("BACKUP_DIR", "/dev/null", "cannot write to /dev/null: Not a directory"),
        ("BACKUP_DIR", "/dev/null/below", "cannot write to /dev/null/below: Not a directory"),
        ("LOG_DIR", "/proc/x", "cannot write to /proc/x"),
        ("LOG_DIR", "/proc/x/y", "cannot write to /proc/x/y"),
        ("LOG_DIR", "x" * 300, "File name too long"),
        ("DATA_DIR", "x" * 300, "File name too long"),
        ("ROWFERRY_SHUTDOWN_SECONDS", "0.5", "'0.5' is not a number of seconds; give a number from 1 to 3600"),
        ("ROWFERRY_SHUTDOWN_SECONDS", "3601", "'3601' is not a number of seconds"),
        ("ROWFERRY_SHUTDOWN_SECONDS", "nan", "'nan' is not a number of seconds"),
        ("ROWFERRY_SHUTDOWN_SECONDS", "soon", "'soon' is not a number of seconds"),
        ("DATA_DIR", "/dev/null", "/dev/null is not a readable folder: Not a directory"),
    ],
)
def test_one_fault_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingInvalid, match=name) as caught:
        check_settings()
    assert told in caught.value.message


def test_looking_at_folders_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.setenv("BACKUP_DIR", str(tmp_path / "there"))
    monkeypatch.setenv("LOG_DIR", str(tmp_path / "not" / "yet"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "nor this"))
    before = sorted(tmp_path.rglob("*"))
    check_settings()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("content", [b"DATA_DIR=\xff\xfe"])
def test_a_dot_env_that_is_no_text_is_told_as_such(content: bytes) -> None:
    Path(".env").write_bytes(content)
    with pytest.raises(SettingInvalid, match=r"\.env"):
        read_settings()


@pytest.mark.parametrize("wrong", ["SQLALCHEMY_DATABASE_URL='sqlite:///x.db", "LOG_DIR: x", "= x"])
def test_a_line_of_dot_env_that_sets_nothing_is_told(wrong: str) -> None:
    Path(".env").write_text(f"# Settings\nDATA_DIR=there\n{wrong}\nBACKUP_DIR=kept\n")
    with pytest.raises(SettingInvalid, match="line 3 sets nothing"):
        read_settings()


def test_a_folder_named_dot_env_sets_nothing() -> None:
    Path(".env").mkdir()
    assert read_settings().log_dir == Path("logs")


def test_what_is_in_force_and_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("BACKUP_DIR=kept\nLOG_DIR=there\nROWFERRY_MODLES=x\nROWFERRY_NONSENSE=1\n")
    monkeypatch.setenv("LOG_DIR", "here")
    url = "postgresql://me:hidden@host/base?sslpassword=hidden"
    found = {setting.name: (setting.value, setting.source) for setting in settings_in_force(check_settings(url), url)}
    assert found == {
        "SQLALCHEMY_DATABASE_URL": ("postgresql://me:***@host/base?sslpassword=***", "--database-url"),
        "DATA_DIR": ("data", "default"),
        "BACKUP_DIR": ("kept", ".env"),
        "LOG_DIR": ("here", "environment"),
        "ROWFERRY_MODELS": ("rowferry.models", "default"),
        "ROWFERRY_HOSTS": ("localhost", "default"),
        "ROWFERRY_SHUTDOWN_SECONDS": ("25.0", "default"),
        "ROWFERRY_REPORTS": ("none", "default"),
        "ROWFERRY_REPORT_SECONDS": ("60.0", "default"),
    }
    assert [name for name in unknown_settings() if "TORTURE" not in name] == [
        "ROWFERRY_MODLES is not a setting; did you mean ROWFERRY_MODELS?",
        "ROWFERRY_NONSENSE is not a setting",
    ]


@pytest.mark.parametrize("names", ["http://a.example", "a.example:8000", "*.example", "a,,b", "a b", "-a"])
def test_what_is_no_host_name_is_refused(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    monkeypatch.setenv("ROWFERRY_HOSTS", names)
    with pytest.raises(SettingInvalid, match=r"ROWFERRY_HOSTS is not valid: .* is not a host name; give only names"):
        read_settings()
