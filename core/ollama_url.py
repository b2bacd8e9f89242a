"""Take OLLAMA_URL, give it back checked; resolve its host, but never to a metadata address."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
import unicodedata
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from .errors import SettingsError

logger = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where clouds serve credentials to whoever asks from inside the machine.
METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data"}
)
METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
# Everything inet_aton(3) takes for an address: 127.1, 2852039166, 0xa9fea9fe, 0251.0376.0251.0376
ODD_ADDRESS = re.compile(r"[0-9a-fx.]{1,64}")


def check_url(url: str) -> str:
    """Return the URL without a trailing slash, or raise SettingsError naming OLLAMA_URL.

    A user name or password is never repeated in the message.
    """
    try:
        parts = urlsplit(url.strip())
        has_port = parts.port is None or parts.port > 0
    except ValueError as error:
        raise _bad("is not an address", "") from error
    shown = "" if "@" in url else f" (got {url!r})"
    if parts.scheme not in ("http", "https"):
        raise _bad("must start with http:// or https://", shown)
    if "@" in parts.netloc:
        raise _bad("must not hold a user name or a password", "")
    if not parts.hostname or not has_port or re.search(r"[\s\\]", url.strip()):
        raise _bad("must name a host, as in http://127.0.0.1:11434", shown)
    if parts.query or parts.fragment:
        raise _bad("must not hold a query or a fragment", shown)
    _check_host(parts, shown)
    return url.strip().rstrip("/")


def _check_host(parts: SplitResult, shown: str) -> None:
    # NFKC first: resolvers and yarl read "①⑥⑨.254.169.254" as the address it looks like.
    host = unicodedata.normalize("NFKC", parts.hostname or "").lower().rstrip(".")
    address = _literal(host)
    if host in METADATA_NAMES or (address is not None and is_forbidden(address)):
        raise _bad("must not point at a link-local or metadata address", shown)
    if parts.scheme == "http" and address is not None and address.is_global:
        logger.warning("OLLAMA_URL is plain http to a public address: questions travel unencrypted")


def is_forbidden(address: Address) -> bool:
    """Tell whether the address is link-local or serves cloud credentials."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_link_local or address in METADATA_ADDRESSES


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if ODD_ADDRESS.fullmatch(host) is None:
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _bad(reason: str, shown: str) -> SettingsError:
    return SettingsError(f"OLLAMA_URL {reason}{shown}.")


class GuardedResolver(AbstractResolver):
    """Resolves names like the system does, but refuses names that lead to a forbidden address."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        for entry in found:
            if is_forbidden(ipaddress.ip_address(entry["host"])):
                raise OSError(None, "the name leads to a link-local or metadata address")
        return found

    async def close(self) -> None:
        await self._system.close()
