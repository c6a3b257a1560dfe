"""Which connections of this process have a transaction under way, so that it can be cancelled."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Driver = TypeVar("Driver")


class ActiveConnections(Generic[Driver]):
    """Connections of the driver; threads add and remove theirs."""

    def __init__(self) -> None:
        self._drivers: dict[int, Driver] = {}

    @contextmanager
    def added(self, driver: Driver) -> Iterator[None]:
        """Count a connection among them until the end of the context."""
        self._drivers[id(driver)] = driver
        try:
            yield
        finally:
            del self._drivers[id(driver)]

    def __iter__(self) -> Iterator[Driver]:
        return iter(list(self._drivers.values()))
