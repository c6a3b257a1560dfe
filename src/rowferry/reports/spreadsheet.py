"""Reports as CSV for spreadsheets, in which no text becomes a formula."""

import csv
import io

from rowferry.reports.report import Answer

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(answer: Answer) -> str:
    """A header and all rows (RFC 4180); an apostrophe stands before a text that a spreadsheet would compute."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(answer.report.columns)
    writer.writerows([_harmless(value) for value in row.values()] for row in answer.rows)
    return text.getvalue()


def _harmless(value: object) -> object:
    """The value, unless it is a text that begins a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
    is_formula = isinstance(value, str) and value.lstrip(" ").startswith(_BEGINS_A_FORMULA)
    return f"'{value}" if is_formula else value
