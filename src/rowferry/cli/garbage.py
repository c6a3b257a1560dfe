"""When a command looks for garbage: not while it imports what it needs, which all stays until the end.

To look for it among a thousand classes, again and again, takes a tenth of the time of a start.
"""

import gc


def leave_garbage() -> None:
    """Look for none from now on."""
    gc.disable()


def collect_garbage() -> None:
    """Look for garbage from now on, but not among what is there by now."""
    gc.freeze()
    gc.enable()
