"""Ports and addresses: which are free, and who can reach them."""

import ipaddress
import os
import socket
import sys

HOST, PORT = "127.0.0.1", 5000
PORTS_TRIED = 100


def is_free(host: str, port: int) -> bool:
    """Tell whether a server can listen on a port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # a port just released counts as free; on Windows every port would
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(host: str, asked: int | None) -> int:
    """Return the port asked for, or the first free one from 5000 on, saying so if that is another."""
    if asked is not None:
        if not is_free(host, asked):
            sys.exit(f"Cannot listen on {host}, port {asked}: it is in use, or you lack permission.")
        return asked
    port = next((port for port in range(PORT, PORT + PORTS_TRIED) if is_free(host, port)), None)
    if port is None:
        sys.exit(f"Cannot listen on {host}: no port from {PORT} to {PORT + PORTS_TRIED - 1} is free.")
    if port != PORT:
        print(f"Port {PORT} is in use; using {port}.", flush=True)
    return port


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
