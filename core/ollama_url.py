"""Take OLLAMA_URL, give it back checked; resolve its host, but never to a metadata address."""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from .errors import SettingsError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where clouds serve credentials to whoever asks from inside the machine.
METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data"}
)
METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # the IPv4 address is its end: RFC 6052
# Everything inet_aton(3) takes for an address: 127.1, 2852039166, 0xa9fea9fe, 0251.0376.0251.0376
ODD_ADDRESS = re.compile(r"[0-9a-fx.]{1,64}")
USER = re.compile(r"^([a-zA-Z]*://)?.*@", re.DOTALL)
EXAMPLE = "http://127.0.0.1:11434"


def check_url(url: str) -> str:
    """Return the URL without a trailing slash, or raise SettingsError naming OLLAMA_URL.

    A user name or password is never repeated in the message.
    """
    try:
        parts = urlsplit(url.strip())
        has_port = parts.port is None or parts.port > 0
    except ValueError as error:
        raise _bad(f"is not an address like {EXAMPLE}", _masked(url)) from error
    shown = "" if "@" in url else f" (got {url!r})"
    if parts.scheme not in ("http", "https"):
        raise _bad("must start with http:// or https://", shown)
    if "@" in parts.netloc:
        raise _bad("must not hold a user name or a password", "")
    if not parts.hostname or not has_port or re.search(r"[\s\\]", url.strip()):
        raise _bad(f"must name a host, as in {EXAMPLE}", shown)
    if parts.query or parts.fragment:
        raise _bad("must not hold a query or a fragment", shown)
    _check_host(url.strip(), shown)
    return url.strip().rstrip("/")


def host_of(url: str) -> str:
    """Return the host as the resolver will read it: yarl takes "①⑥⑨.254.169.254" for an address."""
    host = urlsplit(url).hostname or ""
    return unicodedata.normalize("NFKC", host).lower().rstrip(".")


def _check_host(url: str, shown: str) -> None:
    host = host_of(url)
    address = literal(host)
    if host in METADATA_NAMES or (address is not None and is_forbidden(address)):
        raise _bad("must not point at a link-local or metadata address", shown)


def is_forbidden(address: Address) -> bool:
    """Tell whether the address is link-local or serves cloud credentials."""
    return address.is_link_local or address in METADATA_ADDRESSES


def literal(host: str) -> Address | None:
    """Return the address that a host is written as, in any of the forms that resolvers take."""
    try:
        return _plain(ipaddress.ip_address(host))
    except ValueError:
        pass
    if ODD_ADDRESS.fullmatch(host) is None:
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _plain(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 address that leads to one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address


def _masked(url: str) -> str:
    """Show a value without what may be a user name and a password."""
    masked = USER.sub(r"\1…@", url)
    return f" (got {masked!r})"


def _bad(reason: str, shown: str) -> SettingsError:
    return SettingsError(f"OLLAMA_URL {reason}{shown}.")


class ForbiddenAddress(OSError):
    """Raised when a name leads to an address that must not be asked."""


class GuardedResolver(AbstractResolver):
    """Resolves names like the system does, but refuses names that lead to a forbidden address.

    on_found is told the addresses of a name.
    """

    def __init__(self, on_found: Callable[[Sequence[Address]], None] = lambda _: None) -> None:
        self._system = ThreadedResolver()
        self._on_found = on_found

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        addresses = [_plain(ipaddress.ip_address(entry["host"])) for entry in found]
        if any(map(is_forbidden, addresses)):
            raise ForbiddenAddress(None, "the name leads to a link-local or metadata address")
        self._on_found(addresses)
        return found

    async def close(self) -> None:
        await self._system.close()
