"""Puts the Slack side together: the only module here that knows all of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_sdk.web.async_client import AsyncWebClient

from .asking import Asking
from .audit import AuditLog
from .background import Background
from .channel_rules import ChannelRulesTable
from .channel_settings import ChannelSettingsHandler
from .command_status import StatusSource
from .config import SlackConfig
from .conversations import Conversations
from .database import Database
from .delivery import Delivery
from .desk import Desk, DeskTools
from .escalation import EscalationHandler
from .example_shelf import ExampleShelf
from .feedback import FeedbackLog, VoteHandler
from .health import HealthRecord
from .hearing import Hearing
from .home_pages import HomePages, HomeTools
from .inbox import Inbox
from .membership import Membership
from .model_slots import ModelSlots
from .model_state import model_state
from .open_message import OpenMessageFile
from .parts import HandlerTools, Knowledge, Parts, Store
from .permissions import AdminCheck
from .policy import Policy
from .rebuild_commands import RebuildCommands
from .rebuild_run import RebuildTools
from .rebuilds import Rebuilds
from .resolution import ResolutionHandler
from .retrying import Pace
from .seal import Seal
from .sender import Sender
from .shares import Shares
from .sharing import ShareHandler
from .small_print import SmallPrint
from .startup import Identity, close_client, prepare_client
from .tasks import Handler, TaskKind
from .waiting_room import WaitingRoom
from .workers import Workers

OPEN_MESSAGE_NAME = "rebuild-message.json"  # next to the audit


@asynccontextmanager
async def open_store(slack: SlackConfig) -> AsyncIterator[Store]:
    """Open the state file, and close it at the end; raises StorageError."""
    database = await Database.open(slack.state_file)
    try:
        yield Store(
            database=database,
            inbox=Inbox(database),
            conversations=Conversations(database, retention_days=slack.retention_days),
            rules=ChannelRulesTable(database),
        )
    finally:
        await database.close()


@asynccontextmanager
async def open_parts(
    slack: SlackConfig,
    knowledge: Knowledge,
    identity: Identity,
    store: Store,
    *,
    health: HealthRecord | None = None,
    pace: Pace | None = None,
) -> AsyncIterator[Parts]:
    """Make everything; the client is closed at the end."""
    client = prepare_client(AsyncWebClient(token=slack.bot_token), slack)
    try:
        parts = _assemble(
            slack, knowledge, identity, store, client, health or HealthRecord(), pace or Pace()
        )
        try:
            yield parts
        finally:
            await parts.home.close()
    finally:
        await close_client(client)


def _assemble(
    slack: SlackConfig,
    knowledge: Knowledge,
    identity: Identity,
    store: Store,
    client: AsyncWebClient,
    health: HealthRecord,
    pace: Pace,
) -> Parts:
    hearing, background = Hearing(), Background()
    membership = Membership(client, team_id=identity.team_id)
    admin_check = AdminCheck(
        client,
        admins=slack.admins,
        usergroup=slack.admin_usergroup,
        team_id=identity.team_id,
        membership=membership,
    )
    audit = AuditLog(slack.audit_file)
    delivery = Delivery(
        client, Sender(), inbox=store.inbox, team=identity.team_id, streaming=slack.streaming
    )
    policy = Policy(client, membership, store.rules, allows_guests=slack.allows_guests)
    feedback_log = FeedbackLog(slack.feedback_file, secret=slack.bot_token)
    tools = HandlerTools(
        slack=slack,
        identity=identity,
        client=client,
        store=store,
        membership=membership,
        audit=audit,
        delivery=delivery,
        policy=policy,
        feedback_log=feedback_log,
    )
    slots = ModelSlots(
        slack.max_concurrent, patience_seconds=pace.patience, again_seconds=pace.again
    )
    asking = Asking(knowledge.asker, slots, deadline_seconds=slack.deadline_seconds)
    desk = _make_desk(tools, knowledge, asking, hearing, pace)
    workers = Workers(
        store.inbox,
        {TaskKind.QUESTION: desk, **_make_handlers(tools, admin_check)},
        waiting_room=WaitingRoom(delivery, policy, ahead=lambda: asking.waiting, pace=pace),
        chores=(store.inbox.prune, store.conversations.prune),
        pace=pace,
    )
    rebuilds = make_rebuilds(slack, knowledge, background, audit)
    status = StatusSource(
        generation=lambda: desk.generation,
        live_meta=knowledge.live_meta,
        model=lambda: model_state(knowledge.asker),
        health=health.snapshot,
        waiting=store.inbox.count,
        retention_days=slack.retention_days,
    )
    home = HomePages(
        HomeTools(
            client=client,
            sender=delivery.calls.sender,
            team=identity.team_id,
            policy=policy,
            admin_check=admin_check,
            conversations=store.conversations,
            status=status,
            rebuilds=rebuilds,
            examples=ExampleShelf(knowledge.examples, lambda: desk.generation),
        )
    )
    return Parts(
        slack=slack,
        identity=identity,
        client=client,
        store=store,
        knowledge=knowledge,
        hearing=hearing,
        membership=membership,
        admin_check=admin_check,
        audit=audit,
        feedback_log=feedback_log,
        seal=Seal(slack.bot_token),
        desk=desk,
        workers=workers,
        background=background,
        rebuilds=rebuilds,
        rebuild_commands=RebuildCommands(
            rebuilds, admin_check, audit, usergroup=slack.admin_usergroup
        ),
        status=status,
        home=home,
        health=health,
        pace=pace,
    )


def _make_desk(
    tools: HandlerTools, knowledge: Knowledge, asking: Asking, hearing: Hearing, pace: Pace
) -> Desk:
    small_print = SmallPrint(
        hearing, live_meta=knowledge.live_meta, stale_after_days=tools.slack.stale_after_days
    )
    return Desk(
        DeskTools(
            asking=asking,
            inbox=tools.store.inbox,
            conversations=tools.store.conversations,
            policy=tools.policy,
            delivery=tools.delivery,
            small_print=small_print,
            can_escalate=tools.can_escalate,
            pace=pace,
        )
    )


def _make_handlers(tools: HandlerTools, admin_check: AdminCheck) -> dict[TaskKind, Handler]:
    """Make the handlers of everything but questions."""
    conversations = tools.store.conversations
    votes = VoteHandler(
        client=tools.client,
        membership=tools.membership,
        conversations=conversations,
        feedback_log=tools.feedback_log,
    )
    shares = ShareHandler(
        client=tools.client,
        conversations=conversations,
        shares=Shares(tools.store.database),
        policy=tools.policy,
        delivery=tools.delivery,
        audit=tools.audit,
        bot_user=tools.identity.bot_user_id,
        can_escalate=tools.can_escalate,
    )
    escalations = EscalationHandler(
        client=tools.client,
        conversations=conversations,
        delivery=tools.delivery,
        policy=tools.policy,
        channel=tools.slack.escalation_channel,
        group=tools.slack.escalation_group,
    )
    return {
        TaskKind.VOTE: votes,
        TaskKind.SHARE: shares,
        TaskKind.ESCALATION: escalations,
        TaskKind.CHANNEL_RULES: ChannelSettingsHandler(
            rules=tools.store.rules,
            admin_check=admin_check,
            audit=tools.audit,
            delivery=tools.delivery,
            usergroup=tools.slack.admin_usergroup,
        ),
        TaskKind.RESOLUTION: ResolutionHandler(
            client=tools.client,
            conversations=conversations,
            delivery=tools.delivery,
            membership=tools.membership,
            channel=tools.slack.escalation_channel,
        ),
    }


def make_rebuilds(
    slack: SlackConfig, knowledge: Knowledge, background: Background, audit: AuditLog
) -> Rebuilds:
    """Put together what /clockify-rebuild needs."""
    open_file = OpenMessageFile(slack.audit_file.with_name(OPEN_MESSAGE_NAME))
    tools = RebuildTools(
        knowledge.rebuilder,
        knowledge.asker,
        background,
        audit,
        open_file,
        knowledge.update_seconds,
    )
    return Rebuilds(
        tools,
        cooldown_seconds=slack.rebuild_cooldown_seconds,
        live_meta=knowledge.live_meta,
    )
