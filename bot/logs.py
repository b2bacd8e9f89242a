"""Logging, set up by the entry point alone; secrets never reach a line."""

from __future__ import annotations

import logging
import re

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
NOISY = ("slack_bolt", "slack_sdk", "aiohttp", "asyncio", "markdown_it", "filelock")
SECRET = re.compile(r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=ticket=)[\w%.-]+|(?<=[Bb]earer )[\w.-]+")
USERINFO = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")


class SecretFormatter(logging.Formatter):
    """Masks tokens and passwords in the finished line, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record without secrets."""
        return mask(super().format(record))


def mask(text: str) -> str:
    """Replace tokens, tickets and passwords in a text by ***."""
    return USERINFO.sub("***", SECRET.sub("***", text))


def set_up_logging(level: str) -> None:
    """Send logs to standard error; other people's libraries only from WARNING on, unless DEBUG."""
    handler = logging.StreamHandler()
    handler.setFormatter(SecretFormatter(FORMAT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else "WARNING")
