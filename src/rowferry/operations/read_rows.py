"""Reads the rows of a table, page by page, in the order of its key."""

import json
import re
import secrets
from collections.abc import Sequence
from typing import Any

from rowferry.backends.protocol import Backend
from rowferry.dictionary.rules import TableRules
from rowferry.errors import KeyUnfit
from rowferry.kinds.json_texts import JsonText

_DIGITS = 18


def read_rows(backend: Backend, rules: TableRules, after: Sequence[str] | None, limit: int) -> list[dict[str, Any]]:
    """Up to so many rows behind the one with the key `after`, in the order of the key; values as JSON has them.

    Instants are ISO 8601 in UTC, decimals are texts, so that nothing is lost. Texts of a key are in the order of the
    database.

    Raises:
        KeyUnfit: `after` is not a key of the table.
        ValueUnstorable: The database holds a value that the model does not allow.
    """
    key = None if after is None else _key(rules, after)
    rows = backend.page(rules, key, limit)
    return [{name: _as_json(rules, name, value) for name, value in row.items()} for row in rows]


def as_document(page: dict[str, Any]) -> str:
    """A page of rows in JSON; values that are JSON themselves stand there as they are spelled."""
    spelled: list[str] = []
    mark = secrets.token_hex(16)

    def noted(value: Any) -> str:
        assert isinstance(value, JsonText)  # noqa: S101  # nothing else is unknown to JSON
        spelled.append(value.text)
        return f"{mark}{len(spelled) - 1}"

    text = json.dumps(page, ensure_ascii=False, default=noted)
    return re.sub(rf'"{mark}([0-9]+)"', lambda found: spelled[int(found[1])], text) if spelled else text


def position_behind(rules: TableRules, row: dict[str, Any], after: Sequence[str] | None, count: int) -> list[str]:
    """What `after` takes for the rows behind a row that was read, the last of `count`."""
    if not rules.key:
        return [str(int(after[0] if after else 0) + count)]
    return key_of(rules, row)


def key_of(rules: TableRules, row: dict[str, Any]) -> list[str]:
    """The key of a row that was read, as `after` takes it."""
    return [str(row[name]).lower() if isinstance(row[name], bool) else str(row[name]) for name in rules.key]


def _key(rules: TableRules, texts: Sequence[str]) -> list[Any]:
    if not rules.key:
        if len(texts) != 1 or not texts[0].isdecimal() or len(texts[0]) > _DIGITS:
            raise KeyUnfit(table=rules.name, given=", ".join(texts)[:100], key="a number of rows, as it has no key")
        return [int(texts[0])]
    judged = [rules.by_name[name].judge(text) for name, text in zip(rules.key, texts, strict=False)]
    if len(texts) != len(rules.key) or any(fault for _, fault in judged):
        raise KeyUnfit(table=rules.name, given=", ".join(texts)[:100], key=", ".join(rules.key))
    return [value for value, _ in judged]


def _as_json(rules: TableRules, name: str, value: Any) -> object:
    return None if value is None else rules.by_name[name].kind.to_json(value)
