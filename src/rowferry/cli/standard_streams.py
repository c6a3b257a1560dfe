"""The standard streams of a command, in whatever state they are handed to it."""

import io
import os
import sys
from typing import TextIO

_CLOSED = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))
"""What a stream that was closed leads to: no input, an output that cannot be written to, and messages for nobody."""


def take_streams() -> None:
    """Let letters that a stream has not be escaped, and nothing else be opened where a stream is closed.

    The first file that is opened, such as a database, would take its place, and what is said would be written there.
    """
    for name, flags, mode in _CLOSED:
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_no_more(stream: TextIO) -> None:
    """Nothing more can be said there, also not at exit: its reader has gone, or it is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
