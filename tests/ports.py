"""Ports for servers that a test starts."""

import random
import socket
import ssl
from contextlib import suppress


def free_port() -> int:
    """A port that nobody listens on, and that no connection takes meanwhile: systems give those from 32,768 on."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


WITHOUT_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of a server of a test, which read all certificates of the machine otherwise: in 25 ms, each of them."""
