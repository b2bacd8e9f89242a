"""auth.test, assistant.threads.*, agents.sessions.*: who the app is and what it is doing."""

from __future__ import annotations

from ..access import known_channel, writable_channel
from ..calls import TIER_3, Method, required
from ..model import (
    BOT_ID,
    BOT_USER_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    TEAM_NAME,
    Json,
    SlackError,
)
from ..workspace import Workspace

STATUS_PER_MINUTE = 600  # reported; the docs call it special
MAX_LOADING_MESSAGES = 10
MAX_PROMPTS = 4
MAX_TITLE_CHARACTERS = 200
SESSION_STATUSES = ("processing", "active", "suspended", "closed")


class AgentMethods:
    """Shows what the bot is doing in a thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def table(self) -> dict[str, Method]:
        """Give the methods by name."""
        agent = ("assistant:write",)
        status = ("chat:write", "assistant:write")
        return {
            "auth.test": Method(self.auth_test, (), 600),
            "assistant.threads.setStatus": Method(self.set_status, status, STATUS_PER_MINUTE),
            "assistant.threads.setSuggestedPrompts": Method(self.set_prompts, agent, TIER_3),
            "assistant.threads.setTitle": Method(self.set_title, agent, TIER_3),
            "agents.sessions.setStatus": Method(self.set_session, agent, STATUS_PER_MINUTE),
            "agents.sessions.rename": Method(self.set_title, agent, TIER_3),
        }

    def auth_test(self, arguments: Json) -> Json:
        """Say who the bot token is."""
        team = {"url": f"https://{TEAM_DOMAIN}.slack.com/", "team": TEAM_NAME, "team_id": TEAM_ID}
        user = {"user": self._workspace.manifest.bot_name, "user_id": BOT_USER_ID}
        return team | user | {"bot_id": BOT_ID, "is_enterprise_install": False}

    def set_status(self, arguments: Json) -> Json:
        """Show a status line in a thread; empty clears it."""
        loading = arguments.get("loading_messages") or []
        if len(loading) > MAX_LOADING_MESSAGES:
            raise SlackError("invalid_arguments")
        required(arguments, "thread_ts")
        channel_id, thread_ts = self._place(arguments)
        text = str(arguments.get("status") or "")
        self._workspace.set_status(channel_id, thread_ts, text, loading_messages=loading)
        return {}

    def set_prompts(self, arguments: Json) -> Json:
        """Offer prompts; without a thread they belong to the Messages tab."""
        prompts = arguments.get("prompts") or []
        if not 1 <= len(prompts) <= MAX_PROMPTS:
            raise SlackError("invalid_arguments")
        known_channel(self._workspace, required(arguments, "channel_id"))
        return {}

    def set_title(self, arguments: Json) -> Json:
        """Name a conversation."""
        self._place(arguments)
        if len(required(arguments, "title")) > MAX_TITLE_CHARACTERS:
            raise SlackError("invalid_arguments")
        return {}

    def set_session(self, arguments: Json) -> Json:
        """Say how far the agent is; only "processing" is shown."""
        status = required(arguments, "status")
        if status not in SESSION_STATUSES:
            raise SlackError("invalid_arguments")
        channel_id, thread_ts = self._place(arguments)
        text = "is working…" if status == "processing" else ""
        self._workspace.set_status(channel_id, thread_ts, text)
        return {}

    def _place(self, arguments: Json) -> tuple[str, str]:
        place = {"channel": required(arguments, "channel_id")}
        channel = writable_channel(self._workspace, place)
        thread_ts = str(arguments.get("thread_ts") or "")  # a session may be a whole channel
        try:
            if thread_ts:
                self._workspace.thread(channel.id, thread_ts)
        except SlackError as error:
            raise SlackError("invalid_thread_ts") from error
        return channel.id, thread_ts
