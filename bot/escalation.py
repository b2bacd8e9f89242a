"""The handler of "I need a human": the question goes to the team's channel, once.

What is posted carries a key made of the answer's id, not of the click's. So whoever clicks, in
whichever process, and however often: it is looked for before it is posted a second time.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from . import answer_texts, texts
from .blocks import plain_message
from .conversations import Conversation, Conversations, Escalation
from .delivery import Delivery
from .escalation_blocks import escalation_message
from .policy import Policy
from .response_url import ResponseUrl
from .slack_failures import FAILURES, reason
from .tasks import Claim, GiveUp, Inquiry, Surface, Task

logger = logging.getLogger(__name__)

LOOK_BACK_SECONDS = 3_600.0  # another click than the one that posted may look for the post
IN_THREADS = frozenset({Surface.MENTION, Surface.DIRECT, Surface.THREAD, Surface.AUTO})


class EscalationHandler:
    """Takes a question to the humans, and tells who wanted that."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        conversations: Conversations,
        delivery: Delivery,
        policy: Policy,
        channel: str,
        group: str,
    ) -> None:
        """channel is where the humans are; group is mentioned there, "" for nobody."""
        self._client = client
        self._conversations = conversations
        self._delivery = delivery
        self._policy = policy
        self._channel = channel
        self._group = group
        self._turn = asyncio.Lock()  # two clicks on one answer at once, in this process

    async def handle(self, claim: Claim) -> None:
        """Ask the humans, unless they know; say what came of it."""
        task = claim.task
        decision = await self._policy.decide(_inquiry(task))
        if decision.is_allowed:
            async with self._turn:
                sentence = await self._ask(claim)
        else:
            sentence = decision.refusal
        if sentence:
            await tell(self._client, self._delivery, claim, sentence)

    async def give_up(self, claim: Claim, why: GiveUp, reference: str) -> None:
        """Say that nobody was asked."""
        logger.warning("escalation %s was given up: %s", reference, why.value)
        await tell(self._client, self._delivery, claim, texts.error(reference))

    async def _ask(self, claim: Claim) -> str:
        """Give the sentence for who clicked."""
        task, answer_id = claim.task, claim.task.body["answer_id"]
        if not self._channel:
            return answer_texts.unreachable(answer_texts.NOT_SET)
        is_first = await self._conversations.open_escalation(answer_id, task.user)
        known = None if is_first else await self._conversations.escalation(answer_id)
        conversation = await self._conversations.find(answer_id)
        if known is not None and known.ts:
            is_ours = claim.may_be_repeated and known.user == task.user
            return _asked(task, conversation) if is_ours else _asked_before(known)
        try:
            await self._post(claim, conversation, is_first=is_first)
        except SlackApiError as error:
            if reason(error) not in answer_texts.CHANNEL_PROBLEMS:
                raise
            logger.error(
                "ESCALATION_CHANNEL %s does not work (%s), so a question did not reach a human: %s",
                self._channel,
                reason(error),
                answer_texts.CHANNEL_PROBLEMS[reason(error)],
            )
            return answer_texts.unreachable(reason(error))
        return _asked(task, conversation)

    async def _post(
        self, claim: Claim, conversation: Conversation | None, *, is_first: bool
    ) -> None:
        answer_id = claim.task.body["answer_id"]
        message = escalation_message(
            answer_id,
            conversation,
            user=claim.task.user,
            group=self._group,
            permalink=await self._permalink(claim.task),
            said=claim.task.body.get("said", ""),
        )
        shared = keyed(claim, f"human {answer_id}", may_be_repeated=not is_first)
        place = self._delivery.in_thread(self._channel, "", claim=shared, part="human")
        ts = await place.post(message)
        await self._conversations.place_escalation(answer_id, self._channel, ts)

    async def _permalink(self, task: Task) -> str:
        """Link to the reply; "" for what only the asker sees, and when Slack does not tell."""
        if task.body["is_private"]:
            return ""
        try:
            found = await self._client.chat_getPermalink(
                channel=task.channel, message_ts=task.body["message_ts"]
            )
        except FAILURES as error:
            logger.info("a question goes to a human without a link: %s", reason(error))
            return ""
        return str(found.get("permalink") or "")


async def tell(client: AsyncWebClient, delivery: Delivery, claim: Claim, sentence: str) -> None:
    """Tell who clicked, and nobody else: beside the button, else in a direct message."""
    task, message = claim.task, plain_message(sentence)
    url = ResponseUrl(client, task.body.get("response_url", ""))
    if not await url.say(message, thread=task.body.get("thread_ts", "")):
        await delivery.in_direct(task.user, claim=claim, part="told").post(message)


def _asked(task: Task, conversation: Conversation | None) -> str:
    """Say that a human was asked, and where the person will hear of it."""
    is_here = task.channel.startswith("D") or (
        conversation is not None and is_in_thread(conversation)
    )
    return answer_texts.HUMAN_ASKED if is_here else answer_texts.HUMAN_ASKED_BY_MESSAGE


def _asked_before(known: Escalation) -> str:
    if known.resolved_by:
        return answer_texts.HUMAN_RESOLVED_BEFORE
    return answer_texts.HUMAN_ASKED_BEFORE


def is_in_thread(conversation: Conversation) -> bool:
    """Tell whether the reply is in a thread, where the asker can be told more."""
    is_public = Surface(conversation.surface) in IN_THREADS
    return is_public and bool(conversation.channel and conversation.thread)


def keyed(claim: Claim, key: str, *, may_be_repeated: bool) -> Claim:
    """Give the claim for a message whose key all clicks on one answer share."""
    return replace(
        claim,
        task=replace(claim.task, key=key),
        tries=max(claim.tries, 2) if may_be_repeated else 1,
        received_at=claim.received_at - (LOOK_BACK_SECONDS if may_be_repeated else 0.0),
        reply=None,
        notes={"is_begun": True} if may_be_repeated else {},
    )


def _inquiry(task: Task) -> Inquiry:
    """Make what the policy judges: whoever may ask may call a human."""
    return Inquiry(
        key=task.key,
        text="",
        surface=Surface.COMMAND if task.body["is_private"] else Surface.MENTION,
        team=task.body["team"],
        user=task.user,
        channel=task.channel,
    )
