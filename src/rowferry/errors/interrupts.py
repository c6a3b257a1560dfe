"""What Ctrl-C leads to, wherever it comes."""


def follows_interrupt(error: BaseException | None) -> bool:
    """Whether an error came of Ctrl-C, or of SIGTERM: while it was handled.

    It comes between any two steps of Python, so that a lock of the standard library is released twice, for example,
    or a driver cancels its statement; what is raised then hides it.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
