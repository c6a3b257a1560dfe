"""The progress bars of operations."""

from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column
from rich.text import Text

from rowferry.cli.terminal import err
from rowferry.events import Event, PublishStarted, RowsBackedUp, RowsJudged, RowsVerified


class ProgressBars:
    """Bars on a terminal, a line for each thing that goes on, as long as `with` lasts."""

    def __init__(self, *columns: ProgressColumn) -> None:
        self._progress = Progress(*columns, console=err, transient=True)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class _RateColumn(TransferSpeedColumn):
    """How fast a file is read; once it was read, that its rows go into their table."""

    def render(self, task: Task) -> Text:
        return Text("publishing") if task.fields["publishing"] else super().render(task)


class LoadProgress(ProgressBars):
    """Shows rows, bytes, rate and time left on a terminal; takes the events of a load."""

    def __init__(self) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(table_column=Column(no_wrap=True)),
            _RateColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[rows]:,} rows, {task.fields[rejected]:,} rejected"),
            TimeRemainingColumn(),
        )
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case RowsJudged():
                task = self._task(event)
                self._progress.update(task, completed=event.bytes_read, rows=event.rows_read, rejected=event.rejected)
            case PublishStarted(table=table) if table in self._tasks:
                self._progress.update(self._tasks[table], publishing=True)

    def _task(self, event: RowsJudged) -> TaskID:
        if event.table not in self._tasks:
            self._tasks[event.table] = self._progress.add_task(
                event.table, total=event.bytes_total, rows=0, rejected=0, publishing=False
            )
        return self._tasks[event.table]


class RowProgress(ProgressBars):
    """Shows rows and time left on a terminal, a line for each table; takes the events of an operation."""

    def __init__(self) -> None:
        super().__init__(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, RowsBackedUp | RowsVerified):
            line = (event.id, event.table)
            if line not in self._tasks:
                self._tasks[line] = self._progress.add_task(event.table, total=event.rows_expected)
            self._progress.update(self._tasks[line], completed=event.rows, total=event.rows_expected)
