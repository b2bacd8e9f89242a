"""Puts the Slack side together: the only module here that knows all of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_sdk.web.async_client import AsyncWebClient

from .asking import Asking
from .audit import AuditLog
from .background import Background
from .channel_rules import ChannelRulesTable
from .command_status import StatusSource
from .config import SlackConfig
from .conversations import Conversations
from .database import Database
from .delivery import Delivery
from .desk import Desk
from .example_shelf import ExampleShelf
from .feedback import FeedbackLog
from .handlers import make_desk, make_workers
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
from .retrying import Pace
from .seal import Seal
from .sender import Sender
from .startup import Identity, close_client, prepare_client

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
    tools = _make_tools(slack, identity, store, client)
    admin_check = _make_admin_check(tools)
    slots = ModelSlots(
        slack.max_concurrent, patience_seconds=pace.patience, again_seconds=pace.again
    )
    asking = Asking(knowledge.asker, slots, deadline_seconds=slack.deadline_seconds)
    desk = make_desk(tools, knowledge, asking, hearing, pace)
    rebuilds = make_rebuilds(slack, knowledge, background, tools.audit)
    status = _make_status(tools, knowledge, desk, health)
    return Parts(
        slack=slack,
        identity=identity,
        client=client,
        store=store,
        knowledge=knowledge,
        hearing=hearing,
        membership=tools.membership,
        admin_check=admin_check,
        audit=tools.audit,
        feedback_log=tools.feedback_log,
        seal=Seal(slack.bot_token),
        desk=desk,
        workers=make_workers(tools, desk, admin_check, asking, pace),
        background=background,
        rebuilds=rebuilds,
        rebuild_commands=RebuildCommands(
            rebuilds, admin_check, tools.audit, usergroup=slack.admin_usergroup
        ),
        status=status,
        home=_make_home(tools, knowledge, admin_check, rebuilds, status),
        health=health,
        pace=pace,
    )


def _make_tools(
    slack: SlackConfig, identity: Identity, store: Store, client: AsyncWebClient
) -> HandlerTools:
    membership = Membership(client, team_id=identity.team_id)
    return HandlerTools(
        slack=slack,
        identity=identity,
        client=client,
        store=store,
        membership=membership,
        audit=AuditLog(slack.audit_file),
        delivery=Delivery(
            client, Sender(), inbox=store.inbox, team=identity.team_id, streaming=slack.streaming
        ),
        policy=Policy(client, membership, store.rules, allows_guests=slack.allows_guests),
        feedback_log=FeedbackLog(slack.feedback_file, secret=slack.bot_token),
    )


def _make_admin_check(tools: HandlerTools) -> AdminCheck:
    return AdminCheck(
        tools.client,
        admins=tools.slack.admins,
        usergroup=tools.slack.admin_usergroup,
        team_id=tools.identity.team_id,
        membership=tools.membership,
    )


def _make_status(
    tools: HandlerTools, knowledge: Knowledge, desk: Desk, health: HealthRecord
) -> StatusSource:
    return StatusSource(
        generation=lambda: desk.generation,
        live_meta=knowledge.live_meta,
        model=lambda: model_state(knowledge.asker),
        health=health.snapshot,
        waiting=tools.store.inbox.count,
        retention_days=tools.slack.retention_days,
    )


def _make_home(
    tools: HandlerTools,
    knowledge: Knowledge,
    admin_check: AdminCheck,
    rebuilds: Rebuilds,
    status: StatusSource,
) -> HomePages:
    return HomePages(
        HomeTools(
            client=tools.client,
            sender=tools.delivery.calls.sender,
            team=tools.identity.team_id,
            policy=tools.policy,
            admin_check=admin_check,
            conversations=tools.store.conversations,
            status=status,
            rebuilds=rebuilds,
            examples=ExampleShelf(knowledge.examples, lambda: knowledge.asker.generation),
        )
    )


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
