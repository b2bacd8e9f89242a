"""The messages of one channel, oldest first, with an index of its threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .model import Json, SlackError
from .threads import is_in_timeline, with_counts


class Transcript:
    """At most so many messages by ts; one with `visible_to` is seen by that person alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._messages: dict[str, Json] = {}
        self._replies: dict[str, dict[str, None]] = {}  # root ts → ts of its replies, in order

    def __contains__(self, ts: object) -> bool:
        """Tell whether there is such a message, for whomever."""
        return ts in self._messages

    def add(self, message: Json) -> None:
        """Add the newest message; beyond the bound the oldest goes."""
        self._messages[message["ts"]] = message
        if (root_ts := _root_of(message)) is not None:
            self._replies.setdefault(root_ts, {})[message["ts"]] = None
        while len(self._messages) > self._most:
            self.remove(next(iter(self._messages)))

    def replace(self, message: Json) -> None:
        """Put another version in a message's place."""
        self._messages[message["ts"]] = message

    def remove(self, ts: str) -> Json:
        """Take a message away and give it."""
        message = self._messages.pop(ts)
        if (root_ts := _root_of(message)) is not None:
            replies = self._replies[root_ts]
            del replies[ts]
            if not replies:
                del self._replies[root_ts]
        return message

    def any(self, ts: str) -> Json:
        """Give a message that is there, whoever sees it."""
        return self._messages[ts]

    def seen(self, ts: object, viewer: str | None = None) -> Json:
        """Find a message that a viewer, or everyone, sees; raise message_not_found."""
        message = self._messages.get(str(ts))
        if message is None or message.get("visible_to", viewer) != viewer:
            raise SlackError("message_not_found")
        return message

    def replies(self, root_ts: str) -> list[Json]:
        """List the replies to a root that everyone sees."""
        replies = (self._messages[ts] for ts in self._replies.get(root_ts, ()))
        return [reply for reply in replies if "visible_to" not in reply]

    def presented(self, message: Json) -> Json:
        """Give a message with what Slack says about its replies."""
        return with_counts(message, self.replies(message["ts"]))

    def timeline(self, viewer: str | None = None) -> list[Json]:
        """List thread roots and broadcasts with their counts."""
        visible = _visible(self._messages.values(), viewer)
        return [self.presented(message) for message in visible if is_in_timeline(message)]

    def thread(self, root_ts: str, viewer: str | None = None) -> list[Json]:
        """List a root and its replies; raise thread_not_found."""
        root = self._messages.get(root_ts)
        if root is None or "visible_to" in root:
            raise SlackError("thread_not_found")
        replies = (self._messages[ts] for ts in self._replies.get(root_ts, ()))
        return [self.presented(root), *_visible(replies, viewer)]


def _visible(messages: Iterable[Json], viewer: str | None) -> Iterator[Json]:
    return (message for message in messages if message.get("visible_to", viewer) == viewer)


def _root_of(reply: Json) -> str | None:
    root_ts = reply.get("thread_ts")
    return root_ts if root_ts != reply["ts"] else None
