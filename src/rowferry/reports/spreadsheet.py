"""Reports as CSV for spreadsheets, in which no text becomes a formula."""

import csv
import io

from rowferry.reports.report import Answered
from rowferry.sources.csv.formulas import BYTE_ORDER_MARK, guarded


def as_csv(answer: Answered) -> str:
    """A header and all rows (RFC 4180), behind a byte order mark, by which spreadsheets know that it is UTF-8.

    An apostrophe stands before a text that a spreadsheet would compute.
    """
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text)
    writer.writerow([guarded(column) for column in answer.columns])
    rows = ([guarded(value) if isinstance(value, str) else value for value in row] for row in answer.cells())
    writer.writerows(rows)
    return text.getvalue()
