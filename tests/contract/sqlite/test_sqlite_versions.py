"""Which versions of SQLite are served."""

import sqlite3
from collections.abc import Callable

import pytest

from rowferry.bootstrap import Service
from rowferry.errors import ServerUnsupported
from speaking import only_sqlite


@only_sqlite
def test_a_library_that_is_too_old_is_refused_at_the_start(
    new_service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(ServerUnsupported, match=r"but this version of Rowferry works with 3\.37 or later"):
        new_service()
