"""The ways of loading hired_employees into PostgreSQL: Rowferry's and its peers'."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.checks import COUNT_REJECTS, COUNT_ROWS, must_account, must_hold
from bench.contests import Way
from bench.installed import ROWFERRY
from bench.lab import Lab
from bench.postgresql import CONSTRAINTS, OWNER
from bench.processes import NoResultError, Run
from bench.served import Service
from bench.tools import PGLOADER

RUN = "run"
_COUNT_CONSTRAINTS = (
    "SELECT count(*) FROM pg_constraint WHERE conrelid = 'hired_employees'::regclass AND contype IN ('p', 'f')"
)


class IntoPostgresql:
    """Ways into hired_employees of a PostgreSQL database, each run in a fresh copy of it."""

    def __init__(self, lab: Lab, template: str, rows_before: int = 0, user: str = "postgres") -> None:
        self._lab, self._server = lab, lab.server
        self._template, self._before = template, rows_before
        self._user, self._url = user, self._server.url(RUN, user)

    def rowferry(self, name: str, file: Path, rows: int, *, faulty: int = 0, exclusive: bool = False) -> Way:
        check = self._account(self._before + rows - faulty, faulty)
        command = [ROWFERRY, "load", str(file), "--json", *(["--exclusive"] if exclusive else [])]
        return Way(name, rows, command, self._prepare, check, {"SQLALCHEMY_DATABASE_URL": self._url})

    def posted(self, name: str, file: Path, rows: int, service: Service) -> Way:
        """Post a file to a service that is running."""
        prepare = partial(service.restart, self._prepare, self._url)
        return Way(
            name, rows, service.post(f"full-bulk-insert/{file.stem}", file), prepare, self._account(self._before + rows)
        )

    def copy(self, name: str, file: Path, rows: int) -> Way:
        return Way(name, rows, self._psql(self._copy(file)), self._prepare, self._check(rows))

    def recipe(self, name: str, file: Path, rows: int) -> Way:
        """The expert's: rows first, into a bare table, then its primary key and foreign keys."""

        def prepare() -> None:
            self._prepare()
            self._server.make_bare(RUN)

        def check(run: Run) -> None:
            self._check(rows)(run)
            if self._server.value(RUN, _COUNT_CONSTRAINTS) != 3:
                raise NoResultError("the constraints are not there")

        return Way(name, rows, self._psql(self._copy(file), CONSTRAINTS), prepare, check)

    def pgloader(self, name: str, file: Path, rows: int, *, faulty: int = 0) -> Way:
        columns = "(id, name, datetime, department_id, job_id)"
        script = self._lab.folder / f"{file.parent.name}.load"
        commands = (
            f"LOAD CSV FROM '{file}' WITH ENCODING utf-8 {columns} "
            f"INTO postgresql://postgres@unix:{self._server.socket_folder}:5432/{RUN} "
            f"TARGET TABLE public.hired_employees {columns} "
            "WITH fields terminated by ',', fields optionally enclosed by '\"';"
        )
        script.write_text(commands + "\n")
        root = str(self._lab.folder / "pgloader")
        command = [str(PGLOADER), "--root-dir", root, str(script)]
        return Way(name, rows, command, self._prepare, self._check(rows - faulty), note=commands)

    def _prepare(self) -> None:
        self._server.create(RUN, self._template)
        if self._user == OWNER:
            self._server.give_to_owner(RUN)
        self._server.settle(RUN)

    def _account(self, rows: int, faulty: int = 0) -> Callable[[Run], None]:
        return partial(
            must_account,
            rows,
            faulty,
            self._count,
            partial(self._server.value, RUN, COUNT_REJECTS.format("rowferry.rejected_rows")),
        )

    def _check(self, rows: int) -> Callable[[Run], None]:
        return partial(must_hold, self._before + rows, self._count, (0,))

    def _count(self) -> object:
        return self._server.value(RUN, COUNT_ROWS)

    def _copy(self, file: Path) -> str:
        return f"\\copy hired_employees FROM '{file}' WITH (FORMAT csv)"

    def _psql(self, *commands: str) -> list[str]:
        return self._server.psql_command(self._url, *commands)
