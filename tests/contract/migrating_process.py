"""A process that starts on a database: `python migrating_process.py DATABASE_URL start|STATEMENT [upgrade]`.

With the beginning of a statement, it stops before running it, says so, and waits to be killed.
"""

import sys
import time
from typing import Any

import sqlalchemy as sa

from rowferry.bootstrap import Service
from rowferry.settings import read_settings


def main(url: str, stop_at: str, *words: str) -> None:
    service = Service(read_settings(url))

    def stop(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        if statement.strip().startswith(stop_at):
            sys.stdout.write("stopped\n")
            sys.stdout.flush()
            time.sleep(60)

    sa.event.listen(service.backend.engine, "before_cursor_execute", stop)
    if words:
        service.upgrade()
    service.start()
    sys.stdout.write(f"started, {'with' if 'alembic' in sys.modules else 'without'} alembic\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
