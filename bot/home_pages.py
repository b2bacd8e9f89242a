"""Publishes the Home tab of a person: who they are decides what they see, now and after actions."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from core.errors import BotError

from . import form_texts, home_texts, policy_texts
from .aged_table import AgedTable
from .background import Background
from .command_status import Status, StatusSource, model_lines
from .conversations import Conversation, Conversations
from .database import StorageError
from .example_shelf import ExampleShelf
from .health import Health
from .home import AdminPanel, Home, home_view
from .markup import escape
from .membership import Verdict
from .message import Block
from .permissions import AdminCheck
from .policy import Policy
from .rebuilds import Rebuilds
from .sender import Sender, TryLater
from .slack_failures import FAILURES, reason
from .tasks import Inquiry, Surface

logger = logging.getLogger(__name__)

MAX_READERS, KEPT_SECONDS = 10_000, 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeTools:
    """What a Home is made with."""

    client: AsyncWebClient
    sender: Sender
    team: str
    policy: Policy
    admin_check: AdminCheck
    conversations: Conversations
    status: StatusSource
    rebuilds: Rebuilds
    examples: ExampleShelf
    clock: Callable[[], float] = time.time


class HomePages:
    """One for each process, on one event loop. What is shown last is what was true last."""

    def __init__(self, tools: HomeTools) -> None:
        self._tools = tools
        self._background = Background()
        self._numbers = itertools.count()
        self._newest: AgedTable[int] = AgedTable(MAX_READERS, KEPT_SECONDS)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def publish(self, user: str, *, told: str = "") -> bool:
        """Show a person their Home; told is mrkdwn. False when Slack does not take it.

        Examples that are not known yet are added as soon as they are.
        """
        number = next(self._numbers)
        self._newest.put(user, number)
        is_shown = await self._show(user, number, told)
        if is_shown and self._tools.examples.ready() is None:
            self._background.spawn(self._add_examples(user, number, told))
        return is_shown

    async def close(self) -> None:
        """End what goes on in the background."""
        await self._background.drain(0.0)

    async def _add_examples(self, user: str, number: int, told: str) -> None:
        if await self._tools.examples.get():
            await self._show(user, number, told)

    async def _show(self, user: str, number: int, told: str) -> bool:
        """Publish, unless something newer is about to be."""
        lock = self._locks.setdefault(user, asyncio.Lock())
        async with lock:
            if self._newest.get(user) != number:
                return True
            view = home_view(await self._home(user, told))

            async def send() -> AsyncSlackResponse:
                return await self._tools.client.views_publish(user_id=user, view=view)

            try:
                await self._tools.sender.call("views.publish", "", send)
            except (*FAILURES, TryLater) as error:
                logger.warning("a Home could not be shown: %s", reason(error))
                return False
        return True

    async def _home(self, user: str, told: str) -> Home:
        try:
            refusal = await self._refusal(user)
        except FAILURES as error:
            logger.warning("a Home is shown without what is personal: %s", reason(error))
            return Home(told=told)
        if refusal:
            return Home(refusal=refusal)
        tools = self._tools
        status = await self._status()
        return Home(
            knowledge=_knowledge(tools.status.generation(), status),
            told=told,
            examples=tools.examples.ready() or (),
            recent=await self._recent(user),
            panel=await self._panel(user, status),
            now=tools.clock(),
        )

    async def _refusal(self, user: str) -> str:
        """Say why this person gets no answers, "" when they do."""
        inquiry = Inquiry(
            key="", text="", surface=Surface.HOME, team=self._tools.team, user=user, channel=""
        )
        decision = await self._tools.policy.decide(inquiry)
        return decision.refusal or (policy_texts.NOT_FOR_STRANGERS if decision.is_silent else "")

    async def _status(self) -> Status | None:
        try:
            return await self._tools.status.status()
        except StorageError as error:
            logger.error("a Home is shown without the status: %s", error)
            return None

    async def _recent(self, user: str) -> tuple[Conversation, ...]:
        try:
            return await self._tools.conversations.recent(user)
        except StorageError as error:
            logger.error("a Home is shown without recent questions: %s", error)
            return ()

    async def _panel(self, user: str, status: Status | None) -> AdminPanel | None:
        if await self._tools.admin_check.verdict(user) is not Verdict.ALLOWED:
            return None
        lines: tuple[str, ...] = (home_texts.STATUS_UNKNOWN,)
        if status is not None:
            lines = _lines(status, self._tools.status.health())
        return AdminPanel(lines, await self._report())

    async def _report(self) -> tuple[Block, ...]:
        try:
            return (await self._tools.rebuilds.status()).message.blocks
        except (BotError, OSError) as error:
            logger.error("a Home is shown without the last report: %s", error)
            return ()


def _knowledge(generation: str, status: Status | None) -> str:
    if status is None:
        return home_texts.knowledge(escape(generation), None, None)
    return home_texts.knowledge(escape(status.generation), status.age_seconds, status.articles)


def _lines(status: Status, health: Health) -> tuple[str, ...]:
    heard = health.last_envelope_age_seconds
    return (
        *model_lines(status.model, for_admins=True),
        form_texts.connected_line(status.connected_seconds, status.reconnects),
        home_texts.NEVER_HEARD if heard is None else home_texts.last_heard(heard),
        form_texts.queue_line(status.waiting),
        form_texts.kept_line(status.retention_days),
    )
