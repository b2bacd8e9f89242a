"""Logging, set up by the entry point alone; secrets never reach a line."""

from __future__ import annotations

import logging
import re

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
NOISY = ("slack_bolt", "slack_sdk", "aiohttp", "asyncio", "markdown_it", "filelock")
SECRETS = (
    re.compile(r"()(?:xox[a-z]|xapp)-[\w-]+"),
    re.compile(r"(ticket=)[\w%.-]+"),
    re.compile(r"(bearer )[\w.~+/=-]+", re.IGNORECASE),
    re.compile(r"(authorization\W{1,6}(?:basic|token)\s+)[\w.~+/=-]+", re.IGNORECASE),
    re.compile(r"(hooks\.slack(?:-gov)?\.com\\?/)[^\s\"'<>,)]+"),  # response urls, webhooks
    re.compile(r"(://)[^/\s?#\"'<>]+(?=@)"),  # user and password, or a token, before a host
)


class SecretFormatter(logging.Formatter):
    """Masks tokens and passwords in the finished line, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record without secrets."""
        return mask(super().format(record))


def mask(text: str) -> str:
    """Replace tokens, tickets and passwords in a text by ***."""
    for secret in SECRETS:
        text = secret.sub(r"\1***", text)
    return text


def set_up_logging(level: str) -> None:
    """Send logs to standard error; other people's libraries only from WARNING on, unless DEBUG."""
    handler = logging.StreamHandler()
    handler.setFormatter(SecretFormatter(FORMAT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else "WARNING")
    logging.getLogger("slack_bolt.AsyncApp").addFilter(says_more_than_the_obvious)


def says_more_than_the_obvious(record: logging.LogRecord) -> bool:
    """Keep what Bolt logs at each start, that the client has the token already, out of the log."""
    return "`token` will be unused" not in record.getMessage()
