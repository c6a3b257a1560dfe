"""How an operation on many rows is carried out: held, noted at both ends, tried again, and told of at its end."""

from contextlib import closing, suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from rowferry.backends.protocol import Backend, Locking, ReadersWait
from rowferry.errors import RowferryError, Unexpected, follows_interrupt
from rowferry.files.disk_full import room_needed
from rowferry.operations.ingest import Operation

_ATTEMPTS = 3

Outcome_co = TypeVar("Outcome_co", covariant=True)


class Work(Protocol[Outcome_co]):
    """One operation, from its beginning to its end."""

    def note_start(self) -> None:
        """Note that it runs."""

    def run(self) -> None:
        """Do all of it, or nothing."""

    def has_committed(self) -> bool:
        """Whether it was done already when something came in between."""

    def note_failure(self, error: RowferryError) -> None:
        """Note why it changed nothing."""

    def tell_done(self) -> Outcome_co:
        """Tell observers of the end, and give what came of it."""

    def close(self) -> None:
        """Give back what it holds."""


def run_operation(backend: Backend, name: str, work: Work[Outcome_co], interrupted: type[RowferryError]) -> Outcome_co:
    """Run an operation that is known by a name; whatever ends it, others can see how.

    Raises:
        RowferryError: It changed nothing but the ledger, which says why; `interrupted` where the user has asked for it.
    """
    with backend.errors(), backend.hold(name), closing(work):
        try:
            work.note_start()
            work.run()
            return work.tell_done()
        except BaseException as error:
            if not _has_committed(work):
                failure = _failure(error, interrupted)
                work.note_failure(failure)
                if isinstance(failure, interrupted):
                    raise failure from error
                raise
        return work.tell_done()


def _has_committed(work: Work[Any]) -> bool:
    # A database that is away cannot be asked; its ledger will tell.
    with suppress(RowferryError):
        return work.has_committed()
    return False


def _failure(error: BaseException, interrupted: type[RowferryError]) -> RowferryError:
    if isinstance(error, RowferryError):
        return error
    return interrupted() if follows_interrupt(error) else Unexpected(log="the log of the service")


class Attempts(Protocol):
    """Work that may have to be tried again."""

    operation: Operation

    def attempt(self, number: int, locking: Locking) -> None:
        """Do all of it, or nothing, and lock no more than that."""

    def has_committed(self) -> bool:
        """Whether the last attempt did it, whatever came then."""


def retry(work: Attempts, passing: tuple[type[RowferryError], ...], *, exclusive: bool = False) -> None:
    """Try until none of the `passing` errors comes in the way, three times at most; DiskFull where there is no room.

    An attempt that finds rows to be refused, or that is given up for those who read, does not count.
    """
    number = 1
    locking: Locking = "exclusive" if exclusive else "yielding"
    while True:
        try:
            with room_needed():
                return work.operation.refused.rejected(partial(work.attempt, number, locking), work.has_committed)
        except ReadersWait:
            locking = "sharing"
        except passing:
            if number == _ATTEMPTS:
                raise
            number += 1
