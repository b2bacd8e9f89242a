"""A listening socket on this machine only, on the first free port."""

from __future__ import annotations

import socket

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
PORTS_TRIED = 50


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket on a loopback host; raises OSError when 50 ports are taken."""
    if host not in LOOPBACK_HOSTS:
        raise ValueError(f"The simulator only listens on this machine, not on {host}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = port if port == 0 else port + PORTS_TRIED - 1
    for candidate in range(port, last):
        try:
            return socket.create_server((host, candidate), family=family)
        except OSError:
            continue  # taken: the next one
    return socket.create_server((host, last), family=family)
