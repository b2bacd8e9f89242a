"""chat.*: post, update, delete, ephemeral messages, permalinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..access import known_channel, writable_channel
from ..blocks import check_blocks
from ..calls import TIER_3, TIER_4, Method, flag, required
from ..model import BOT_USER_ID, TEAM_DOMAIN, Channel, Json, SlackError
from ..workspace import Workspace

TEXT_CHARACTERS = 40_000  # longer is cut on a post
UPDATE_CHARACTERS = 4_000
MARKDOWN_CHARACTERS = 12_000
MAX_ATTACHMENTS = 100


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says; blocks and attachments are None when the call did not give any."""

    text: str
    blocks: list[Json] | None
    attachments: list[Json] | None
    metadata: Json | None


def read_content(arguments: Json) -> Content:
    """Read and check what a message shall say; raise no_text and the length errors."""
    text, markdown = str(arguments.get("text") or ""), str(arguments.get("markdown_text") or "")
    blocks, attachments = arguments.get("blocks"), arguments.get("attachments")
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if len(markdown) > MARKDOWN_CHARACTERS:
        raise SlackError("msg_too_long")
    if not (text.strip() or markdown.strip() or blocks or attachments):
        raise SlackError("no_text")
    if attachments and len(attachments) > MAX_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    if markdown:
        blocks = [{"type": "markdown", "text": markdown}]
    checked = None if blocks is None else check_blocks(blocks)
    return Content(text or markdown, checked, attachments, read_metadata(arguments))


class ChatMethods:
    """Posts and edits as the bot; a message that still streams cannot be edited."""

    def __init__(self, workspace: Workspace, is_streaming: Callable[[str, str], bool]) -> None:
        self._workspace = workspace
        self._is_streaming = is_streaming

    def table(self) -> dict[str, Method]:
        """Give the methods by name."""
        scopes = ("chat:write",)
        return {
            "chat.postMessage": Method(self.post_message, scopes, 60, is_per_channel=True),
            "chat.update": Method(self.update, scopes, TIER_3),
            "chat.delete": Method(self.delete, scopes, TIER_3),
            "chat.postEphemeral": Method(self.post_ephemeral, scopes, TIER_4),
            "chat.getPermalink": Method(self.get_permalink, (), 600, reads=True),
        }

    def post_message(self, arguments: Json) -> Json:
        """Post a message or a reply."""
        channel = writable_channel(self._workspace, arguments)
        content = read_content(arguments)
        is_broadcast = bool(arguments.get("thread_ts")) and flag(arguments, "reply_broadcast")
        message = self._workspace.post(
            channel.id,
            author=BOT_USER_ID,
            text=content.text[:TEXT_CHARACTERS],
            thread_ts=self._thread(channel, arguments),
            blocks=content.blocks or (),
            attachments=content.attachments,
            metadata=content.metadata,
            subtype="thread_broadcast" if is_broadcast else None,
        )
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    def update(self, arguments: Json) -> Json:
        """Edit one of the bot's messages; new text without blocks removes the old blocks."""
        channel = writable_channel(self._workspace, arguments)
        ts = required(arguments, "ts")
        message = self._own(channel, ts, "cant_update_message")
        if len(str(arguments.get("text") or "")) > UPDATE_CHARACTERS:
            raise SlackError("msg_too_long")
        content = read_content(arguments)
        if self._is_streaming(channel.id, ts):
            raise SlackError("streaming_state_conflict")
        edited = {"user": BOT_USER_ID, "ts": self._workspace.next_ts()}
        fields: Json = {"text": content.text, "blocks": content.blocks or None}
        fields |= {"edited": message.get("edited") if content.blocks else edited}
        if content.attachments is not None:
            fields["attachments"] = content.attachments or None
        if content.metadata is not None:
            fields["metadata"] = content.metadata
        changed = self._workspace.change(channel.id, ts, **fields)
        return {"channel": channel.id, "ts": ts, "text": content.text, "message": changed}

    def delete(self, arguments: Json) -> Json:
        """Delete one of the bot's messages."""
        channel = known_channel(self._workspace, required(arguments, "channel"))
        ts = required(arguments, "ts")
        self._own(channel, ts, "cant_delete_message")
        self._workspace.delete(channel.id, ts)
        return {"channel": channel.id, "ts": ts}

    def post_ephemeral(self, arguments: Json) -> Json:
        """Show a message to one member of the channel."""
        channel = writable_channel(self._workspace, arguments)
        user_id = required(arguments, "user")
        if user_id not in channel.members:
            raise SlackError("user_not_in_channel")
        content = read_content(arguments)
        message = self._workspace.post(
            channel.id,
            author=BOT_USER_ID,
            text=content.text[:TEXT_CHARACTERS],
            thread_ts=self._thread(channel, arguments),
            blocks=content.blocks or (),
            attachments=content.attachments,
            visible_to=user_id,
        )
        return {"message_ts": message["ts"]}

    def get_permalink(self, arguments: Json) -> Json:
        """Give the web address of a message."""
        channel = known_channel(self._workspace, required(arguments, "channel"))
        message = self._workspace.message(channel.id, required(arguments, "message_ts"))
        link = f"https://{TEAM_DOMAIN}.slack.com/archives/{channel.id}/p"
        link += message["ts"].replace(".", "")
        if message.get("thread_ts", message["ts"]) != message["ts"]:
            link += f"?thread_ts={message['thread_ts']}&cid={channel.id}"
        return {"channel": channel.id, "permalink": link}

    def _own(self, channel: Channel, ts: str, refusal: str) -> Json:
        message = self._workspace.message(channel.id, ts)
        if message["user"] != BOT_USER_ID:
            raise SlackError(refusal)
        return message

    def _thread(self, channel: Channel, arguments: Json) -> str | None:
        thread_ts = arguments.get("thread_ts")
        if not thread_ts:
            return None
        root = self._workspace.thread(channel.id, thread_ts)[0]
        if root.get("thread_ts", thread_ts) != thread_ts:
            raise SlackError("thread_not_found")  # a reply is not a root
        return str(thread_ts)


def read_metadata(arguments: Json) -> Json | None:
    """Read the metadata of a message; raise invalid_metadata_format or _schema."""
    metadata = arguments.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    is_complete = isinstance(metadata.get("event_type"), str) and metadata["event_type"]
    if not is_complete or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if metadata.keys() - {"event_type", "event_payload", "entities"}:
        raise SlackError("invalid_metadata_schema")
    return dict(metadata)
