"""What went wrong with a request to Ollama → a ModelUnavailable that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from .errors import ModelTimeout, ModelUnavailable
from .ollama_hints import (
    LOG_HINT,
    PLAIN_HINT,
    PROXY_HINT,
    TLS_HINT,
    TLS_PERHAPS_HINT,
    TRUST_HINT,
    URL_HINT,
    refusal_hint,
    reply_hint,
    why_no_connection,
)
from .ollama_reply import BUSY, Rejected, Unreachable, missing
from .ollama_retry import Refused
from .ollama_stream import BadReply
from .ollama_url import ForbiddenAddress

DETAIL_CHARACTERS = 200
ECHO_CHARACTERS = 16  # words of the server that repeat this much of the request are not shown
NO_GATEWAY = frozenset({502, 504})

FAILURES = (Refused, BadReply, aiohttp.ClientError, OSError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for the reply or, of a stream, for its next piece."""

    connect_seconds: float
    read_seconds: float


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a request is for: how long it may take, and what to change when it took longer."""

    timeouts: Timeouts
    connect_hint: str
    read_hint: str
    model: str = ""
    private: str = ""  # text that must not come back in an error message
    is_generation: bool = False  # a stream, costly to begin again


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request went, and the key that it carried, which no message may hold."""

    url: str
    path: str
    proxy: str = ""  # without user name and password
    key: str = field(default="", repr=False)


def translated(
    error: Exception, place: Place, purpose: Purpose, *, is_begun: bool
) -> ModelUnavailable:
    """Return the error to raise; is_begun: some of the answer had come."""
    url, limits = place.url, purpose.timeouts
    match error:
        case Refused():
            return _refused(error, place, purpose)
        case BadReply():
            detail = shown(error.detail, place, purpose.private)
            hint = reply_hint(error, is_generation=purpose.is_generation, is_begun=is_begun)
            return ModelUnavailable(f"Ollama at {url} {error.reason}{detail}. {hint}")
        case aiohttp.ConnectionTimeoutError():
            seconds, hint = limits.connect_seconds, purpose.connect_hint
            return ModelTimeout(f"No connection to Ollama at {url} in {seconds:g} s. {hint}")
        case TimeoutError():
            seconds, hint = limits.read_seconds, purpose.read_hint
            did = "began to answer, then wrote nothing for" if is_begun else "did not answer within"
            return ModelTimeout(f"Ollama at {url} {did} {seconds:g} s. {hint}")
        case aiohttp.ClientConnectorCertificateError():
            return _unreachable(place, "its certificate is not trusted.", TRUST_HINT)
        case aiohttp.ClientSSLError():
            return _unreachable(place, "TLS failed.", PLAIN_HINT)
        case aiohttp.ClientConnectorError():
            return _unreachable(place, why_no_connection(error.os_error), purpose.connect_hint)
        case ForbiddenAddress():
            return _unreachable(place, f"{error.strerror}.", purpose.connect_hint)
        case aiohttp.ClientHttpProxyError():
            return _unreachable(place, f"the proxy says HTTP {error.status}.", purpose.connect_hint)
        case aiohttp.ClientResponseError():
            hint = TLS_HINT if url.startswith("http:") else URL_HINT
            return Unreachable(f"What answers at {url} does not speak HTTP. {hint}")
        case aiohttp.ServerDisconnectedError() if url.startswith("http:"):
            hint = TLS_PERHAPS_HINT
        case _:
            hint = LOG_HINT
    return Unreachable(f"Ollama at {url} closed the connection before it was done. {hint}")


def _unreachable(place: Place, reason: str, hint: str) -> Unreachable:
    way = f" through the proxy {place.proxy}" if place.proxy else ""
    return Unreachable(f"Cannot reach Ollama at {place.url}{way}: {reason} {hint}")


def _refused(error: Refused, place: Place, purpose: Purpose) -> ModelUnavailable:
    url, path, status = place.url, place.path, error.status
    detail = shown(error.detail, place, purpose.private)
    if status == 404 and error.is_ollama and purpose.model:
        return missing(purpose.model, url)
    if 300 <= status < 400:
        return ModelUnavailable(_redirected(error.location, place, purpose))
    if status in NO_GATEWAY and not error.is_ollama:
        sentence = (
            f"A proxy at {url} says that Ollama does not answer (HTTP {status}). {PROXY_HINT}"
        )
    elif status in BUSY:
        sentence = f"Ollama at {url} is busy (HTTP {status}{detail}). Try again in a moment."
    elif status in (401, 403):
        sentence = _not_allowed(place, f"(HTTP {status}{detail})")
    elif error.is_ollama:
        hint = refusal_hint(error.detail, is_generation=purpose.is_generation)
        sentence = f"Ollama at {url} refused {path} (HTTP {status}{detail}). {hint}"
    elif error.wants_tls and url.startswith("http:"):
        return ModelUnavailable(f"{url} takes https only (HTTP {status}). {TLS_HINT}")
    elif status >= 500:
        sentence = f"{url} failed at {path} (HTTP {status}). {LOG_HINT}"
    else:
        return ModelUnavailable(
            f"{url} does not answer like an Ollama: HTTP {status} for {path}. {URL_HINT}"
        )
    return Rejected(sentence, status=status, detail=error.detail)


def _not_allowed(place: Place, status: str) -> str:
    if place.key:
        return (
            f"{place.url} does not let this key ask {place.path} {status}. "
            "[hint: check OLLAMA_API_KEY]"
        )
    return (
        f"{place.url} does not let us ask {place.path} without a key {status}. "
        "OLLAMA_API_KEY is not set. [hint: set OLLAMA_API_KEY or check OLLAMA_URL]"
    )


def _redirected(location: str, place: Place, purpose: Purpose) -> str:
    target = _target(location, place)
    if not 0 < len(target) <= DETAIL_CHARACTERS or _repeats(target, place, purpose.private):
        return f"{place.url} redirects {place.path}, and redirects are not followed. {URL_HINT}"
    wanted = target.removesuffix(place.path)
    return (
        f"{place.url} redirects {place.path} to {target}, and redirects are not followed. "
        f"[hint: set OLLAMA_URL to {wanted} if that is meant]"
    )


def _target(location: str, place: Place) -> str:
    """Return where a redirect leads, without user name, password, query and fragment; "": odd."""
    try:
        target = URL(place.url + place.path).join(URL(location))
        if not location or target.scheme not in ("http", "https"):
            return ""
        return str(target.with_user(None).with_query(None).with_fragment(None))
    except ValueError:
        return ""


def shown(detail: str, place: Place, private: str = "") -> str:
    """Return ": detail", short and printable, or nothing when it repeats what was sent."""
    line = "".join(c if c.isprintable() else " " for c in detail[:DETAIL_CHARACTERS]).strip()
    return f": {line}" if line and not _repeats(line, place, private) else ""


def _repeats(line: str, place: Place, private: str) -> bool:
    if place.key and place.key in line:
        return True
    starts = range(max(1, len(line) - ECHO_CHARACTERS + 1))
    sent = f"{private}\n{place.key}"
    return any(line[i : i + ECHO_CHARACTERS] in sent for i in starts)
