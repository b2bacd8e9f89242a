"""What a person typed or a file holds → text that every later step can encode."""

from __future__ import annotations


def readable(text: str) -> str:
    """Replace what is no character (bytes that are not UTF-8, half of a pair) by U+FFFD.

    >>> readable("timesheets\\udcff?")
    'timesheets\ufffd?'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
