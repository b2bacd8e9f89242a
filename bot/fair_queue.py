"""Who is next: channels in turn, users in turn within a channel, nobody with too much in flight.

Pure: it knows neither the time nor the event loop.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from .inbox import Waiting

Lines = OrderedDict[str, deque[Waiting]]  # of one channel, by user


@dataclass(frozen=True, slots=True)
class Limits:
    """How many may be in flight at the same time."""

    in_flight: int = 64
    per_user: int = 2
    per_channel: int = 8


class FairQueue:
    """Holds what waits and counts what is in flight; a key is in it once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._channels: OrderedDict[str, Lines] = OrderedDict()
        self._waiting: dict[str, Waiting] = {}
        self._in_flight: dict[str, Waiting] = {}
        self._by_user: Counter[str] = Counter()
        self._by_channel: Counter[str] = Counter()

    def __len__(self) -> int:
        """Count what waits."""
        return len(self._waiting)

    def __contains__(self, key: str) -> bool:
        """Tell whether it waits or is in flight."""
        return key in self._waiting or key in self._in_flight

    @property
    def in_flight(self) -> int:
        """Count what was taken and has not ended."""
        return len(self._in_flight)

    def put(self, waiting: Waiting) -> None:
        """Add at the end of the user's line, unless it is here."""
        if waiting.key in self:
            return
        self._waiting[waiting.key] = waiting
        lines = self._channels.setdefault(waiting.channel, OrderedDict())
        lines.setdefault(waiting.user, deque()).append(waiting)

    def take(self) -> Waiting | None:
        """Give the next one that is within the limits; it is in flight until end."""
        if len(self._in_flight) >= self._limits.in_flight:
            return None
        for channel, lines in self._channels.items():
            if self._by_channel[channel] >= self._limits.per_channel:
                continue
            for user, line in lines.items():
                if self._by_user[user] < self._limits.per_user:
                    taken = line[0]
                    self._remove(taken)
                    self._turn(channel, user)
                    self._begin(taken)
                    return taken
        return None

    def end(self, key: str) -> None:
        """Make room for the next one."""
        ended = self._in_flight.pop(key)
        for counter, name in ((self._by_user, ended.user), (self._by_channel, ended.channel)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]

    def take_older(self, received_before: float) -> list[Waiting]:
        """Take out whatever came before a time, without regard to the limits."""
        old = [one for one in self._waiting.values() if one.received_at < received_before]
        for waiting in old:
            self._remove(waiting)
        return old

    def in_turn(self) -> Iterator[Waiting]:
        """Give what waits in the order of take, as far as the limits do not change it."""
        channels = [[list(line) for line in lines.values()] for lines in self._channels.values()]
        turns = [_in_turn(lines) for lines in channels]
        return iter(_in_turn(turns))

    def _begin(self, taken: Waiting) -> None:
        self._in_flight[taken.key] = taken
        self._by_user[taken.user] += 1
        self._by_channel[taken.channel] += 1

    def _remove(self, waiting: Waiting) -> None:
        del self._waiting[waiting.key]
        lines = self._channels[waiting.channel]
        lines[waiting.user].remove(waiting)
        if not lines[waiting.user]:
            del lines[waiting.user]
        if not lines:
            del self._channels[waiting.channel]

    def _turn(self, channel: str, user: str) -> None:
        """Let the others of the channel, and the other channels, go first next time."""
        lines = self._channels.get(channel)
        if lines is None:
            return
        self._channels.move_to_end(channel)
        if user in lines:
            lines.move_to_end(user)


def _in_turn(lines: list[list[Waiting]]) -> list[Waiting]:
    """Take the first of each line, then the second of each.

    >>> _in_turn([["a1", "a2"], ["b1"]])  # letters for lines
    ['a1', 'b1', 'a2']
    """
    longest = max(map(len, lines), default=0)
    return [line[place] for place in range(longest) for line in lines if place < len(line)]
