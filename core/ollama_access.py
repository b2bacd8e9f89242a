"""How Ollama is reached: the key, a proxy of the environment, and a warning about plain http."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from aiohttp import encode_basic_auth

from .errors import SettingsError
from .ollama_url import Address, host_of, is_forbidden, literal

logger = logging.getLogger(__name__)

KEY_CHARACTERS = frozenset(map(chr, range(0x21, 0x7F)))  # visible ASCII: RFC 9110, field values


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy without its user name and password, and the header that carries these."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


def bearer(api_key: str) -> dict[str, str]:
    """Return the header that carries the key; none for an empty key.

    Raises SettingsError, which does not show the key, for what cannot stand in a header.
    """
    key = api_key.strip()
    for position, character in enumerate(key, 1):
        if character not in KEY_CHARACTERS:
            raise SettingsError(
                f"OLLAMA_API_KEY holds something at character {position} that cannot stand in an "
                "HTTP header: only visible ASCII characters can. [hint: copy the key again]"
            )
    return {"Authorization": f"Bearer {key}"} if key else {}


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy that HTTP_PROXY or HTTPS_PROXY names for a checked OLLAMA_URL, if any.

    NO_PROXY is honoured. What is near is asked directly, whatever the environment says: loopback,
    private and shared addresses, localhost, and names without a dot, which no proxy outside knows.
    Raises SettingsError for a proxy that must not be used.
    """
    parts = urlsplit(url)
    given = getproxies_environment().get(parts.scheme, "")
    if not given or _is_near(host_of(url)) or proxy_bypass(parts.netloc):
        return None
    return _checked(given if "://" in given else f"http://{given}", f"{parts.scheme.upper()}_PROXY")


def warn_if_readable(url: str, addresses: Iterable[Address], *, has_key: bool) -> None:
    """Warn, once in a process for each URL, when plain http leads to a public address."""
    if url.lower().startswith("http:") and any(address.is_global for address in addresses):
        _warn(url, has_key)


@lru_cache(maxsize=64)  # it remembers what was said already
def _warn(url: str, has_key: bool) -> None:
    what = "questions and OLLAMA_API_KEY travel" if has_key else "questions travel"
    logger.warning(
        "OLLAMA_URL is plain http to a public address (%s): %s unencrypted. "
        "[hint: use https, or a tunnel]",
        url,
        what,
    )


def _is_near(host: str) -> bool:
    address = literal(host)
    if address is not None:
        return not address.is_global
    return "." not in host or host.endswith(".localhost")


def _checked(given: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(given.strip())
        port = f":{parts.port}" if parts.port else ""
        headers = _authorization(parts.username, parts.password)
    except ValueError as error:
        raise SettingsError(f"{variable} must be the address of a proxy, and is none.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{variable} must be the http:// or https:// address of a proxy.")
    host = host_of(given)
    address = literal(host)
    if address is not None and is_forbidden(address):
        raise SettingsError(f"{variable} must not point at a link-local or metadata address.")
    shown = f"[{host}]" if ":" in host else host
    return Proxy(f"{parts.scheme}://{shown}{port}", headers)


def _authorization(login: str | None, password: str | None) -> dict[str, str]:
    if login is None:
        return {}
    return {"Authorization": encode_basic_auth(unquote(login), unquote(password or ""))}
