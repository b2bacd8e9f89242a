"""What the Slack side is made of: what it answers from, what is on disk, who does what."""

from __future__ import annotations

from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from .asking import Asker
from .audit import AuditLog
from .background import Background
from .channel_rules import ChannelRulesTable
from .command_status import StatusSource
from .config import SlackConfig
from .conversations import Conversations
from .database import Database
from .delivery import Delivery
from .desk import Desk
from .example_shelf import Examples, no_examples
from .feedback import FeedbackLog
from .health import HealthRecord
from .hearing import Hearing
from .home_actions import Folders
from .home_pages import HomePages
from .inbox import Inbox
from .membership import Membership
from .permissions import AdminCheck
from .policy import Policy
from .rebuild_commands import RebuildCommands
from .rebuild_run import UPDATE_SECONDS
from .rebuilder import Rebuilder
from .rebuilds import LiveMeta, Rebuilds
from .retrying import Pace
from .seal import Seal
from .startup import Identity
from .workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What the bot answers from and how it is renewed; live_meta gives the live meta.json.

    examples finds questions that it answers, folders names those of the knowledge.
    """

    asker: Asker
    rebuilder: Rebuilder
    live_meta: LiveMeta = lambda: None
    update_seconds: float = UPDATE_SECONDS
    examples: Examples = no_examples
    folders: Folders = tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What is on disk."""

    database: Database
    inbox: Inbox
    conversations: Conversations
    rules: ChannelRulesTable


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerTools:
    """What the handlers share."""

    slack: SlackConfig
    identity: Identity
    client: AsyncWebClient
    store: Store
    membership: Membership
    audit: AuditLog
    delivery: Delivery
    policy: Policy
    feedback_log: FeedbackLog

    @property
    def can_escalate(self) -> bool:
        """Whether there is a channel for questions that need a human."""
        return bool(self.slack.escalation_channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that lives as long as the bot serves."""

    slack: SlackConfig
    identity: Identity
    client: AsyncWebClient
    store: Store
    knowledge: Knowledge
    hearing: Hearing
    membership: Membership
    admin_check: AdminCheck
    audit: AuditLog
    feedback_log: FeedbackLog
    seal: Seal
    desk: Desk
    workers: Workers
    background: Background
    rebuilds: Rebuilds
    rebuild_commands: RebuildCommands
    status: StatusSource
    home: HomePages
    health: HealthRecord
    pace: Pace
