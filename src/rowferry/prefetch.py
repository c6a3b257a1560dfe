"""Work ahead: the next items of a stream are made in another thread while one is used."""

import inspect
import time
from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

_DEPTH = 4

_ENDED = object()

Item = TypeVar("Item")


def prefetch(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield `items` in order, made up to four ahead in a thread; what that raises is raised here.

    When this generator is closed, so is `items`, and the thread has ended.
    """
    worker = ThreadPoolExecutor(1, thread_name_prefix="rowferry-ahead")
    try:
        made = deque(worker.submit(next, items, _ENDED) for _ in range(_DEPTH))
        while (item := made.popleft().result()) is not _ENDED:
            made.append(worker.submit(next, items, _ENDED))
            yield cast("Item", item)
    finally:
        worker.shutdown(cancel_futures=True)
        # A signal that comes while the thread starts leaves it unknown to its pool, which did not wait for it.
        while inspect.getgeneratorstate(items) == inspect.GEN_RUNNING:
            time.sleep(0.001)
        items.close()
