"""Why a text has no value: it does not fit the grammar of its kind, or no column can hold what it says."""


class UnfitError(ValueError):
    """The text does not fit the grammar of its kind; the message, if there is one, names the fault."""


class OutOfRangeError(UnfitError):
    """The text fits the grammar, but no column can hold the value."""
