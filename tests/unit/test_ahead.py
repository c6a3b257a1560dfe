"""Work ahead in a thread: the same items, the same errors, and no thread left behind."""

import threading
from collections.abc import Generator

import pytest

from rowferry.prefetch import prefetch


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("rowferry-ahead")]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 1_000])
def test_all_items_come_in_their_order(count: int) -> None:
    assert list(prefetch(number for number in range(count))) == list(range(count))
    assert not threads()


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), StopAsyncIteration()], ids=repr)
def test_an_error_comes_after_the_items_before_it(error: BaseException) -> None:
    def items() -> Generator[int, None, None]:
        yield 1
        yield 2
        raise error

    got: list[int] = []
    with pytest.raises(type(error)):
        got.extend(prefetch(items()))
    stream = prefetch(items())
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(type(error)):
        next(stream)
    assert not threads()


def test_closing_early_ends_the_thread_and_the_source_is_not_read_on() -> None:
    made: list[int] = []

    def items() -> Generator[int, None, None]:
        for number in range(1_000_000):
            made.append(number)
            yield number

    stream = prefetch(items())
    assert next(stream) == 0
    stream.close()
    assert not threads()
    assert len(made) < 20


def test_one_stream_may_feed_another() -> None:
    stream = prefetch(item * 2 for item in prefetch(number for number in range(100)))
    assert list(stream) == list(range(0, 200, 2))
    assert not threads()


def test_items_are_made_in_another_thread() -> None:
    makers = set(prefetch(threading.get_ident() for _ in range(3)))
    assert makers
    assert threading.get_ident() not in makers
