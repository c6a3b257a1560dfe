"""Which grant a user of PostgreSQL lacks, as far as the server's message tells."""

import re
from collections.abc import Callable, Sequence

_OF_LEDGER = (
    "GRANT USAGE ON SCHEMA {0} TO {1}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {0} TO {1};"
)
"""What our own tables take, once they are made."""

_OF_NAMED: tuple[tuple[str, str], ...] = (
    (r"(?<!policy )for (?:table|view|relation) (.+)", "GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON {} TO {};"),
    (r"for sequence (.+)", "GRANT USAGE, UPDATE ON SEQUENCE {} TO {};"),
)
"""What tables and sequences take."""

_GRANTS: tuple[tuple[str, str], ...] = (
    (r"row-level security policy for table (.+)", "ALTER ROLE {1} BYPASSRLS;"),
    (r"for schema (.+)", "GRANT USAGE, CREATE ON SCHEMA {} TO {};"),
    (r'temporary tables in database "(.+)"', "GRANT TEMPORARY ON DATABASE {} TO {};"),
    (r"must be owner of (?:table|relation) (.+)", "ALTER TABLE {} OWNER TO {};"),
)

_ALL = (
    "GRANT USAGE, CREATE ON SCHEMA public TO {0}; "
    "GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON ALL TABLES IN SCHEMA public TO {0};"
)


def missing_grant(
    message: str, user: str | None, ledger: str = "rowferry", denied: Callable[[str], Sequence[str]] = lambda _: ()
) -> str:
    """The statement that gives a user what the message of the server denies; all that is ever needed, if unclear.

    `ledger` is the schema of our own tables, the first of which that we look at is `schema`. `denied` spells what
    has a name and may not be used: the message has the name alone, in whatever schema it is.
    """
    to = _quoted_name(user) if user else "<user>"
    if re.search(rf"for (?:schema {re.escape(ledger)}|table schema)$", message):
        return _OF_LEDGER.format(_quoted_name(ledger), to)
    for pattern, grant in _OF_NAMED:
        if found := re.search(pattern, message):
            return grant.format(", ".join(denied(found[1])) or _quoted_name(found[1]), to)
    for pattern, grant in _GRANTS:
        if found := re.search(pattern, message):
            return grant.format(_quoted_name(found[1]), to)
    return _ALL.format(to)


def _quoted_name(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
