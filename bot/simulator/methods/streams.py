"""chat.startStream, appendStream, stopStream: an answer that grows in a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..access import writable_channel
from ..blocks import check_blocks
from ..calls import TIER_2, TIER_4, Method, required
from ..chunks import grow, limited, read_chunks, text_of, without_leading_blanks
from ..faults import FaultKind, Faults
from ..model import (
    BOT_USER_ID,
    PARTNER_TEAM_ID,
    TEAM_ID,
    Channel,
    ChannelKind,
    Json,
    Pace,
    SlackError,
)
from ..workspace import Workspace
from .chat import read_metadata

MAX_STREAMS = 2_000
DISPLAY_MODES = ("timeline", "plan", "dense")


@dataclass(frozen=True, slots=True)
class Stream:
    """A message that grows; `ended_by` is the error that later calls get."""

    started_at: float
    ended_by: str | None = None


class StreamMethods:
    """Keeps which messages still stream; the text lives in the message's blocks."""

    def __init__(self, workspace: Workspace, faults: Faults, pace: Pace) -> None:
        self._workspace = workspace
        self._faults = faults
        self._life_seconds = pace.stream_seconds
        self._streams: dict[tuple[str, str], Stream] = {}

    def table(self) -> dict[str, Method]:
        """Give the methods by name."""
        return {
            "chat.startStream": Method(self.start, ("chat:write",), TIER_2),
            "chat.appendStream": Method(self.append, ("chat:write",), TIER_4),
            "chat.stopStream": Method(self.stop, ("chat:write",), TIER_2),
        }

    def is_live(self, channel_id: str, ts: str) -> bool:
        """Tell whether a message still streams."""
        stream = self._streams.get((channel_id, ts))
        return stream is not None and self._end(stream) is None

    def interrupt(self, channel_id: str, thread_ts: str) -> list[str]:
        """End the live streams of a thread because the reader wants it; give their ts."""
        replies = self._workspace.thread(channel_id, thread_ts)[1:]
        live = [reply["ts"] for reply in replies if self.is_live(channel_id, reply["ts"])]
        for ts in live:
            stream = self._streams[channel_id, ts]
            self._streams[channel_id, ts] = replace(stream, ended_by="stopped_by_user")
            self._workspace.change(channel_id, ts, streaming=None)
        return live

    def expire(self) -> None:
        """Let every live stream be as old as a stream can be."""
        for key, stream in self._streams.items():
            self._streams[key] = replace(stream, started_at=float("-inf"))

    def start(self, arguments: Json) -> Json:
        """Open a stream in a thread; in channels it names its reader."""
        channel = writable_channel(self._workspace, arguments)
        thread_ts = self._thread(channel, arguments)
        if channel.kind is not ChannelKind.IM:
            if not arguments.get("recipient_user_id"):
                raise SlackError("missing_recipient_user_id")
            if arguments.get("recipient_team_id") not in (TEAM_ID, PARTNER_TEAM_ID):
                raise SlackError("missing_recipient_team_id")
        if arguments.get("task_display_mode", "timeline") not in DISPLAY_MODES:
            raise SlackError("invalid_arguments")
        blocks = grow([], read_chunks(arguments))
        message = self._workspace.post(
            channel.id,
            author=BOT_USER_ID,
            text=text_of(blocks),
            thread_ts=thread_ts,
            blocks=blocks,
            streaming=True,
        )
        self._streams[channel.id, message["ts"]] = Stream(self._workspace.clock())
        while len(self._streams) > MAX_STREAMS:
            del self._streams[next(iter(self._streams))]
        return {"channel": channel.id, "ts": message["ts"]}

    def append(self, arguments: Json) -> Json:
        """Add chunks to a live stream."""
        channel, message = self._live(arguments)
        chunks = self._joined(read_chunks(arguments))
        if not chunks:
            raise SlackError("no_text")
        self._write(channel, message, grow(message.get("blocks", []), chunks))
        return {"channel": channel.id, "ts": message["ts"]}

    def stop(self, arguments: Json) -> Json:
        """End a stream; its last blocks come after everything streamed."""
        channel, message = self._live(arguments)
        metadata = read_metadata(arguments)
        chunks = self._joined(read_chunks(arguments))
        last = check_blocks(arguments.get("blocks") or [])
        blocks = limited(grow(message.get("blocks", []), chunks) + last)
        self._streams[channel.id, message["ts"]] = replace(
            self._streams[channel.id, message["ts"]], ended_by="message_not_in_streaming_state"
        )
        fields = {"streaming": None, "metadata": metadata}
        changed = self._write(channel, message, blocks, **fields)
        return {"channel": channel.id, "ts": message["ts"], "message": changed}

    def _thread(self, channel: Channel, arguments: Json) -> str:
        try:
            return str(self._workspace.thread(channel.id, arguments.get("thread_ts"))[0]["ts"])
        except SlackError as error:
            raise SlackError("invalid_thread_ts") from error

    def _live(self, arguments: Json) -> tuple[Channel, Json]:
        channel = writable_channel(self._workspace, arguments)
        message = self._workspace.message(channel.id, required(arguments, "ts"))
        if message["user"] != BOT_USER_ID:
            raise SlackError("message_not_owned_by_app")
        stream = self._streams.get((channel.id, message["ts"]))
        error = self._end(stream) if stream else "message_not_in_streaming_state"
        if error:
            raise SlackError(error)
        return channel, message

    def _end(self, stream: Stream) -> str | None:
        is_old = self._workspace.clock() - stream.started_at >= self._life_seconds
        return stream.ended_by or ("message_not_in_streaming_state" if is_old else None)

    def _write(self, channel: Channel, message: Json, blocks: list[Json], **fields: object) -> Json:
        text = text_of(blocks)
        return self._workspace.change(channel.id, message["ts"], text=text, blocks=blocks, **fields)

    def _joined(self, chunks: list[Json]) -> list[Json]:
        is_eaten = chunks and self._faults.take(FaultKind.EATEN_BLANKS) is not None
        return without_leading_blanks(chunks) if is_eaten else chunks
