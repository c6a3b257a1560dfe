"""Which versions of PostgreSQL are served."""

import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from postgresql_versions import start_postgresql
from rowferry.bootstrap import Service
from rowferry.errors import ServerUnsupported
from rowferry.settings import read_settings


def test_a_server_that_is_too_old_is_refused_at_the_start() -> None:
    with tempfile.TemporaryDirectory(prefix="rowferry-pg-", ignore_cleanup_errors=True) as folder:
        server = start_postgresql(Path(folder, "data"), 13)
        try:
            url = sa.make_url(server.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
            service = Service(read_settings(url))
            with pytest.raises(ServerUnsupported) as caught:
                service.start()
        finally:
            server.cleanup()
    assert caught.value.message == "The database is PostgreSQL 13, but this version of Rowferry works with 14 to 18"
    assert service.backend.engine.pool.checkedin() == 0  # type: ignore[attr-defined]
