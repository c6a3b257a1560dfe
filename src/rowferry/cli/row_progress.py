"""The progress bar of what goes through the rows of tables."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from rowferry.cli.output import err
from rowferry.events import Event, RowsBackedUp, RowsVerified


class RowProgress:
    """Shows rows and time left on a terminal, a line for each table; takes the events of an operation."""

    def __init__(self, *, shown: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=err,
            disable=not shown,
            transient=True,
        )
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RowsBackedUp | RowsVerified):
            line = (event.id, event.table)
            if line not in self._tasks:
                self._tasks[line] = self._progress.add_task(event.table, total=event.rows_expected)
            self._progress.update(self._tasks[line], completed=event.rows, total=event.rows_expected)
