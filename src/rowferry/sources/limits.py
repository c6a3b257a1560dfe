"""How long a row may be, and how much of one is kept, whatever it is read from."""

from rowferry.dictionary.faults import Fault, RejectCode

MAX_ROW_BYTES = 1024 * 1024
"""A longer row is rejected with row.too_long; a quoted field that is not closed within it counts as never closed."""

RAW_BYTES = 64 * 1024
"""How much of a row that is too long is kept."""

RAW_CHARACTERS = RAW_BYTES
"""How much of a row is kept that its source holds as no text."""

TOO_LONG = Fault(None, RejectCode.TOO_LONG, f"the row is longer than {MAX_ROW_BYTES:,} bytes")
