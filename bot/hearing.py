"""Which channels the bot hears: whether messages without a mention reach it is not told by Slack.

It depends on the manifest that the app was made with, so it is learnt from what arrives.
"""

from __future__ import annotations

from .aged_table import AgedTable

MAX_CHANNELS, KEPT_SECONDS = 10_000, 7 * 86_400.0


class Hearing:
    """Remembers the channels whose messages have arrived."""

    def __init__(self) -> None:
        self._heard: AgedTable[bool] = AgedTable(MAX_CHANNELS, KEPT_SECONDS)

    def note(self, channel: str) -> None:
        """Take in that a message without need of a mention came from a channel."""
        self._heard.put(channel, True)

    @property
    def hears_any(self) -> bool:
        """Whether such a message arrived at all."""
        return len(self._heard) > 0

    def hears(self, channel: str) -> bool:
        """Tell whether a follow-up in a channel would arrive without a mention."""
        return self._heard.get(channel) is True
