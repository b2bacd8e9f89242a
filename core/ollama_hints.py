"""What to do about a failure: the hints behind the messages, and why there is no connection."""

from __future__ import annotations

import errno
import os
import socket

from .ollama_stream import BadReply, TooLong
from .ollama_url import ForbiddenAddress

LOG_HINT = "[hint: look at the log of Ollama]"
URL_HINT = "[hint: check OLLAMA_URL]"
MIDDLE_HINT = "[hint: look at the log of Ollama, and of a proxy before it]"
LENGTH_HINT = "[hint: reduce NUM_PREDICT or use another GEN_MODEL]"
PROXY_HINT = "[hint: look whether Ollama runs behind it]"
TRUST_HINT = "[hint: check the name in OLLAMA_URL, or make this machine trust the certificate]"
PLAIN_HINT = "[hint: check OLLAMA_URL; Ollama itself speaks http://, not https://]"
TLS_HINT = "[hint: set OLLAMA_URL to https://…]"
TLS_PERHAPS_HINT = f"{LOG_HINT[:-1]}, or set OLLAMA_URL to https://… if it takes only that]"
GENERATOR_MEMORY_HINT = "[hint: reduce NUM_CTX or use a smaller GEN_MODEL]"
EMBEDDER_MEMORY_HINT = "[hint: use a smaller EMB_MODEL]"

OUT_OF_MEMORY = ("out of memory", "system memory", "cudamalloc failed")


def why_no_connection(error: OSError) -> str:
    """Say why there is no connection, as a person would."""
    if isinstance(error, ForbiddenAddress):
        return f"{error.strerror}."
    if isinstance(error, socket.gaierror):
        return "host name not known."
    if error.errno == errno.ECONNREFUSED:
        return "connection refused: is Ollama running there?"
    if error.errno is not None and error.errno in errno.errorcode:
        return f"{os.strerror(error.errno).lower()}."
    return "the connection failed."


def refusal_hint(detail: str, *, is_generation: bool) -> str:
    """Say what to do about what an Ollama says itself."""
    if any(words in detail.lower() for words in OUT_OF_MEMORY):
        return GENERATOR_MEMORY_HINT if is_generation else EMBEDDER_MEMORY_HINT
    return LOG_HINT


def reply_hint(error: BadReply, *, is_generation: bool, is_begun: bool) -> str:
    """Say what to do about a reply that is none; one that has begun well is an Ollama's."""
    if error.is_passing:
        return refusal_hint(error.detail, is_generation=is_generation)
    if not is_begun:
        return URL_HINT
    return LENGTH_HINT if isinstance(error, TooLong) else MIDDLE_HINT
