"""The handler of Resolve: marks what a human has done, and tells who needed them, once."""

from __future__ import annotations

import logging

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from . import answer_texts, texts
from .blocks import plain_message
from .conversations import Conversations, Escalation
from .delivery import Delivery
from .escalation import is_in_thread, keyed, tell
from .escalation_blocks import resolved_message
from .escaping import escape
from .membership import Membership, Verdict
from .slack_failures import reason
from .splitting import cut
from .tasks import Claim, GiveUp, Task

logger = logging.getLogger(__name__)

MAX_REPEATED_CHARS = 200


class ResolutionHandler:
    """Marks what a human has done, and tells who needed them."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        conversations: Conversations,
        delivery: Delivery,
        membership: Membership,
        channel: str,
    ) -> None:
        self._client = client
        self._conversations = conversations
        self._delivery = delivery
        self._membership = membership
        self._channel = channel

    async def handle(self, claim: Claim) -> None:
        """Resolve for a full member who clicks in the humans' channel."""
        task, answer_id = claim.task, claim.task.body["answer_id"]
        known = await self._conversations.escalation(answer_id)
        verdict = await self._membership.verdict(task.user)
        if verdict is not Verdict.ALLOWED or not self._is_here(task, known):
            logger.warning("%s may not resolve %s: %s", task.user, answer_id, verdict.value)
            await tell(self._client, self._delivery, claim, answer_texts.NOT_IN_CHARGE)
            return
        is_first = await self._conversations.resolve(answer_id, task.user)
        known = await self._conversations.escalation(answer_id)  # of two at once, one is first
        resolver = (known.resolved_by if known is not None else "") or task.user
        await self._mark(task, resolver)
        if resolver != task.user:
            await tell(self._client, self._delivery, claim, answer_texts.RESOLVED_BEFORE)
        elif known is not None:
            await self._tell_asker(claim, known, may_be_repeated=not is_first)

    async def give_up(self, claim: Claim, why: GiveUp, reference: str) -> None:
        """Say that it is not resolved."""
        logger.warning("resolution %s was given up: %s", reference, why.value)
        await tell(self._client, self._delivery, claim, texts.error(reference))

    def _is_here(self, task: Task, known: Escalation | None) -> bool:
        """Tell whether the button is under the message that was posted for that answer."""
        if known is None or not known.ts:
            return task.channel == self._channel
        return (task.channel, task.body["message_ts"]) == (known.channel, known.ts)

    async def _mark(self, task: Task, resolver: str) -> None:
        message = resolved_message(task.body["blocks"], resolver)
        try:
            await self._delivery.edit(task.channel, task.body["message_ts"], message)
        except SlackApiError as error:
            if reason(error) not in ("message_not_found", "cant_update_message"):
                raise
            logger.info("what was resolved is gone: %s", reason(error))

    async def _tell_asker(self, claim: Claim, known: Escalation, *, may_be_repeated: bool) -> None:
        resolver, answer_id = claim.task.user, known.answer_id
        conversation = await self._conversations.find(answer_id)
        shared = keyed(
            claim,
            f"resolved {answer_id}",
            may_be_repeated=may_be_repeated or claim.may_be_repeated,
        )
        if conversation is not None and is_in_thread(conversation):
            place = self._delivery.in_thread(
                conversation.channel, conversation.thread, claim=shared, part="thread"
            )
            try:
                await place.post(plain_message(answer_texts.resolved(known.user, resolver)))
                return
            except SlackApiError as error:
                logger.info("a thread is closed to the bot: %s", reason(error))
        question = conversation.question if conversation is not None else ""
        about = cut(escape(question), MAX_REPEATED_CHARS).replace("\n", " ")
        sentence = answer_texts.resolved_for(about, resolver)
        await self._delivery.in_direct(known.user, claim=shared, part="direct").post(
            plain_message(sentence)
        )
