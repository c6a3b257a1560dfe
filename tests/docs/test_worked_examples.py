"""Hard modules open with a worked example, and it works."""

import doctest
import importlib
import sqlite3
from decimal import Decimal

import pytest

HARD = (
    "rowferry.sources.csv.framing",
    "rowferry.backends.joined_texts",
    "rowferry.backends.sqlite.joined",
    "rowferry.backends.sqlite.image",
    "rowferry.backends.postgresql.binary_numeric",
    "rowferry.judging.integer_keys",
    "rowferry.judging.stored_keys",
)


@pytest.mark.parametrize("name", HARD)
def test_the_example_of_a_module_works(name: str) -> None:
    module = importlib.import_module(name)
    examples = doctest.DocTestParser().get_doctest(
        module.__doc__ or "", vars(module) | {"sqlite3": sqlite3, "Decimal": Decimal}, name, module.__file__, 1
    )
    failed, tried = doctest.DocTestRunner().run(examples)
    assert (failed, tried > 1) == (0, True)
