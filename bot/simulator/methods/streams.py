"""chat.startStream, appendStream, stopStream: an answer that grows in a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..blocks import check_blocks
from ..calls import TIER_2, TIER_4, Method, required
from ..model import BOT_USER_ID, TEAM_ID, Channel, ChannelKind, Json, SlackError
from ..workspace import Workspace
from .chat import MARKDOWN_CHARACTERS, writable_channel

STREAM_SECONDS = 300  # measured 5.2 min on Slack; appending does not extend it
MAX_STREAMS = 500
TASK_FIELD_CHARACTERS = 256
CHUNKS = ("markdown_text", "task_update", "plan_update", "blocks")


@dataclass(frozen=True, slots=True)
class Stream:
    """A message that grows; `ended_by` is the error that later calls get."""

    started_at: float
    ended_by: str | None = None


class StreamMethods:
    """Keeps which messages still stream; the text lives in the message's blocks."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
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

    def start(self, arguments: Json) -> Json:
        """Open a stream in a thread; in channels it names its reader."""
        channel = writable_channel(self._workspace, arguments)
        thread_ts = self._thread(channel, arguments)
        if channel.kind is not ChannelKind.IM:
            if not arguments.get("recipient_user_id"):
                raise SlackError("missing_recipient_user_id")
            if arguments.get("recipient_team_id") != TEAM_ID:
                raise SlackError("missing_recipient_team_id")
        blocks = _grow([], _chunks(arguments))
        message = self._workspace.post(
            channel.id,
            author=BOT_USER_ID,
            text=_text(blocks),
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
        chunks = _chunks(arguments)
        if not chunks:
            raise SlackError("no_text")
        self._write(channel, message, _grow(message.get("blocks", []), chunks))
        return {"channel": channel.id, "ts": message["ts"]}

    def stop(self, arguments: Json) -> Json:
        """End a stream; its last blocks come after everything streamed."""
        channel, message = self._live(arguments)
        blocks = _grow(message.get("blocks", []), _chunks(arguments))
        blocks += check_blocks(arguments.get("blocks") or [])
        self._streams[channel.id, message["ts"]] = replace(
            self._streams[channel.id, message["ts"]], ended_by="message_not_in_streaming_state"
        )
        fields = {"streaming": None, "metadata": arguments.get("metadata")}
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
        stream = self._streams.get((channel.id, message["ts"]))
        error = self._end(stream) if stream else "message_not_in_streaming_state"
        if error:
            raise SlackError(error)
        return channel, message

    def _end(self, stream: Stream) -> str | None:
        is_old = self._workspace.clock() - stream.started_at >= STREAM_SECONDS
        return stream.ended_by or ("message_not_in_streaming_state" if is_old else None)

    def _write(self, channel: Channel, message: Json, blocks: list[Json], **fields: object) -> Json:
        text = _text(blocks)
        return self._workspace.change(channel.id, message["ts"], text=text, blocks=blocks, **fields)


def _chunks(arguments: Json) -> list[Json]:
    chunks = list(arguments.get("chunks") or ())
    if arguments.get("markdown_text"):
        chunks.insert(0, {"type": "markdown_text", "text": arguments["markdown_text"]})
    for chunk in chunks:
        if not isinstance(chunk, dict) or chunk.get("type") not in CHUNKS:
            raise SlackError("invalid_chunks")
        if chunk["type"] == "markdown_text" and not isinstance(chunk.get("text"), str):
            raise SlackError("invalid_chunks")
        if len(chunk.get("text") or "") > MARKDOWN_CHARACTERS:
            raise SlackError("msg_too_long")
        fields = (chunk.get(name) for name in ("title", "details", "output"))
        if any(isinstance(text, str) and len(text) > TASK_FIELD_CHARACTERS for text in fields):
            raise SlackError("invalid_chunks")
    return chunks


def _grow(blocks: list[Json], chunks: list[Json]) -> list[Json]:
    grown = list(blocks)
    for chunk in chunks:
        match chunk["type"]:
            case "markdown_text" if grown and grown[-1]["type"] == "markdown":
                grown[-1] = {**grown[-1], "text": grown[-1]["text"] + chunk["text"]}
            case "markdown_text":
                grown.append({"type": "markdown", "block_id": "text", "text": chunk["text"]})
            case "blocks":
                grown += check_blocks(chunk.get("blocks"))
            case kind:
                _put_card(grown, _card(kind, chunk))
    return grown


def _card(kind: str, chunk: Json) -> Json:
    if kind == "plan_update":
        return {"type": "plan", "block_id": "plan", "title": chunk.get("title", "")}
    card = {"type": "task_card", "block_id": f"task-{chunk.get('id')}", "task_id": chunk.get("id")}
    return card | {name: chunk[name] for name in chunk.keys() - {"type", "id"}}


def _put_card(blocks: list[Json], card: Json) -> None:
    for index, block in enumerate(blocks):
        if block.get("block_id") == card["block_id"]:
            blocks[index] = block | card
            return
    blocks.append(card)


def _text(blocks: list[Json]) -> str:
    return "".join(block["text"] for block in blocks if block["type"] == "markdown")
