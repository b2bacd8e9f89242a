"""A private answer into its channel: who asked shares it, once, where the channel lets the bot."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from . import form_texts, texts
from .audit import Attempt, AuditLog
from .blocks import (
    MAX_TEXT_CHARS,
    assembled,
    buttons,
    feedback_block,
    plain_message,
    section,
    show_answer,
    small_print,
)
from .conversations import Conversation, Conversations
from .delivery import Delivery
from .listing import Listed
from .markup import escape
from .message import Message
from .policy import Policy
from .response_url import ResponseUrl
from .shares import Begin, Shares
from .slack_failures import reason
from .splitting import cut
from .tasks import Claim, GiveUp, Inquiry, Surface, Task, TaskKind

logger = logging.getLogger(__name__)

SUBCOMMAND = "share"  # in the audit
MAX_QUESTION_CHARS = 600
OUTSIDE = frozenset({"not_in_channel", "channel_not_found"})
READ_ONLY = frozenset(
    {
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
    }
)
HOW_ASKED = {
    Surface.COMMAND: form_texts.ASKED_BY_COMMAND,
    Surface.SHORTCUT: form_texts.ASKED_BY_SHORTCUT,
}


@dataclass(frozen=True, slots=True)
class Share:
    """One press of the button; response_url and thread are those of the press."""

    key: str
    answer_id: str
    user: str
    team: str
    channel: str
    response_url: str
    thread: str = ""

    def to_task(self) -> Task:
        """Give what the inbox keeps."""
        body: dict[str, Any] = {
            "answer_id": self.answer_id,
            "team": self.team,
            "response_url": self.response_url,
            "thread": self.thread,
        }
        return Task(self.key, TaskKind.SHARE, self.user, self.channel, body=body)

    @classmethod
    def of(cls, task: Task) -> Share:
        """Read it back."""
        return cls(key=task.key, user=task.user, channel=task.channel, **task.body)


class ShareHandler:
    """The handler of shares. What stands in the way is told beside the private answer."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        conversations: Conversations,
        shares: Shares,
        policy: Policy,
        delivery: Delivery,
        audit: AuditLog,
        bot_user: str,
        can_escalate: bool,
    ) -> None:
        self._client = client
        self._conversations = conversations
        self._shares = shares
        self._policy = policy
        self._delivery = delivery
        self._audit = audit
        self._bot_user = bot_user
        self._can_escalate = can_escalate

    async def handle(self, claim: Claim) -> None:
        """Share, or say why not."""
        share = Share.of(claim.task)
        conversation = await self._conversations.find(share.answer_id)
        if conversation is None:
            await self._tell(claim, share, form_texts.SHARE_UNKNOWN)
            return
        if obstacle := await self._obstacle(share, conversation):
            await self._tell(claim, share, obstacle)
            return
        match await self._shares.begin(share.answer_id, share.key):
            case Begin.OURS:
                await self._share(claim, share, conversation)
            case Begin.UNDER_WAY:
                await self._tell(claim, share, form_texts.SHARE_UNDER_WAY)
            case Begin.UNKNOWN:
                await self._tell(claim, share, form_texts.SHARE_UNKNOWN)
            case Begin.DONE if claim.may_be_repeated:
                await self._tell(claim, share, form_texts.SHARED, replaces=True)
            case Begin.DONE:
                await self._tell(claim, share, form_texts.ALREADY_SHARED, replaces=True)

    async def give_up(self, claim: Claim, why: GiveUp, reference: str) -> None:
        """Say that it is not shared, and let the button work again."""
        share = Share.of(claim.task)
        await self._shares.abandon(share.answer_id, share.key)
        logger.warning("share %s was given up: %s", reference, why.value)
        await self._tell(claim, share, form_texts.share_failed(reference))

    async def _obstacle(self, share: Share, conversation: Conversation) -> str:
        """Say what keeps this person from sharing, "" when nothing does."""
        if (share.user, share.team) != (conversation.user, conversation.team):
            await self._record(share, "not the asker")
            return form_texts.SHARE_NOT_YOURS
        if not conversation.channel:
            return form_texts.SHARE_NOWHERE
        decision = await self._policy.decide(
            Inquiry(
                key=share.key,
                text=conversation.question,
                surface=Surface.COMMAND,
                team=share.team,
                user=share.user,
                channel=conversation.channel,
            )
        )
        if decision.is_allowed:
            return ""
        await self._record(share, "refused by the rules")
        return decision.refusal or form_texts.SHARE_NOT_YOURS

    async def _share(self, claim: Claim, share: Share, conversation: Conversation) -> None:
        message = shared_message(conversation, can_escalate=self._can_escalate)
        channel, thread = conversation.channel, conversation.thread or share.thread
        place = self._delivery.in_thread(channel, thread, claim=claim, user=share.user)
        try:
            ts = await place.post(message)
        except SlackApiError as error:
            sentence = self._explain(reason(error), channel)
            if not sentence:
                raise
            await self._shares.abandon(share.answer_id, share.key)
            await self._tell(claim, share, sentence)
            return
        await self._shares.finish(share.answer_id, channel, ts)
        await self._tell(claim, share, form_texts.SHARED, replaces=True)

    def _explain(self, error: str, channel: str) -> str:
        if error in OUTSIDE:
            is_channel = channel.startswith(("C", "G"))
            return form_texts.invite_me(self._bot_user) if is_channel else form_texts.SHARE_NOWHERE
        if error == "is_archived":
            return form_texts.SHARE_ARCHIVED
        return form_texts.SHARE_READ_ONLY if error in READ_ONLY else ""

    async def _record(self, share: Share, outcome: str) -> None:
        await self._audit.record(
            Attempt(
                user=share.user,
                team=share.team,
                channel=share.channel,
                subcommand=SUBCOMMAND,
                allowed=False,
                outcome=outcome,
            )
        )

    async def _tell(
        self, claim: Claim, share: Share, sentence: str, *, replaces: bool = False
    ) -> None:
        """Say it in place of the private answer, or beside it; at last in a direct message."""
        message = plain_message(sentence)
        answer = ResponseUrl(self._client, share.response_url)
        if not await answer.say(message, replaces=replaces):
            await self._delivery.in_direct(share.user, claim=claim, part="told").post(message)


def shared_message(conversation: Conversation, *, can_escalate: bool) -> Message:
    """Show a private answer to everybody: whose question it was, the answer, its sources."""
    sources = [
        Listed(link.title, link.url, link.section, number)
        for number, link in enumerate(conversation.links, start=1)
    ]
    asked = escape((conversation.standalone or conversation.question)[:MAX_QUESTION_CHARS])
    question = texts.quoted(cut(asked, MAX_QUESTION_CHARS))
    how = HOW_ASKED.get(Surface(conversation.surface), form_texts.ASKED_IN_PRIVATE)
    tail = [
        *small_print([form_texts.shared_footer(conversation.user, how)]),
        feedback_block(conversation.answer_id, Surface.MENTION, conversation.generation),
        *buttons(
            conversation.answer_id,
            is_refusal=False,
            is_private=False,
            can_escalate=can_escalate,
        ),
    ]
    shown = show_answer(conversation.reply, sources)
    message = assembled(shown, tail, head=[section(question)])
    return Message(cut(f"{question}\n{message.text}", MAX_TEXT_CHARS), message.blocks)
