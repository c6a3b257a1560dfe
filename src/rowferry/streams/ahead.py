"""Work ahead: the next items of a stream are made in another thread while one is used."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar, cast

_DEPTH = 4

Item = TypeVar("Item")


class _Ended(Exception):  # noqa: N818  # no error, but how the producer says that it is done
    """The stream has ended."""


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield `items` in order, made up to four ahead in a thread; what it raises is raised here.

    When the generator is closed, the thread ends before the next item.
    """
    made: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(_DEPTH)
    stop = threading.Event()

    def put(item: Item | None, error: BaseException | None) -> None:
        while not stop.is_set():
            try:
                made.put((item, error), timeout=0.1)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                put(item, None)
                if stop.is_set():
                    return
            put(None, _Ended())
        except BaseException as error:  # noqa: BLE001  # handed to the consumer
            put(None, error)

    thread = threading.Thread(target=make, name="rowferry-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if isinstance(error, _Ended):
                return
            if error is not None:
                raise error
            yield cast("Item", item)
    finally:
        stop.set()
        thread.join()
