"""The path that every surface shares: a question in, one visible reply out, and never silence.

policy → history → model → message, kept in the inbox → delivery → conversation. A try that comes
after one that had kept its message goes on from there and does not ask again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from core.types import Answer, Exchange, Question

from . import texts
from .asking import Asking, GivingUp
from .blocks import plain_message, turn_message
from .channel_rules import ChannelRules
from .conversations import Conversations
from .delivery import Delivery, Destination, Stopped
from .inbox import Inbox
from .membership import FAILURES
from .policy import Decision, Policy
from .prepared import THREADED, Prepared, conversation_of
from .question_log import Record, question_logged, reference_of
from .retrying import GIVEN_UP, Pace
from .small_print import SmallPrint, read_debug
from .tasks import Claim, GiveUp, Inquiry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTools:
    """What the desk works with."""

    asking: Asking
    inbox: Inbox
    conversations: Conversations
    policy: Policy
    delivery: Delivery
    small_print: SmallPrint
    can_escalate: bool = False
    pace: Pace = Pace()
    clock: Callable[[], float] = time.time


class Desk:
    """The handler of questions. Lives on one event loop."""

    def __init__(self, tools: DeskTools) -> None:
        self._tools = tools

    @property
    def generation(self) -> str:
        """The knowledge that answers come from now."""
        return self._tools.asking.asker.generation

    async def handle(self, claim: Claim) -> None:
        """Answer, refuse or say why not."""
        inquiry = Inquiry.of(claim.task)
        answer_id = reference_of(claim.task.key)
        with question_logged(
            answer_id, surface=inquiry.surface, generation=self.generation
        ) as record:
            try:
                decision = await self._tools.policy.decide(inquiry)
                await self._serve(claim, inquiry, decision, record)
            except Stopped:
                record.outcome = "stopped"
            except asyncio.CancelledError:
                record.outcome = "interrupted"
                raise

    async def give_up(self, claim: Claim, why: GiveUp, reference: str) -> None:
        """Say that there will be no answer; nothing when nobody had turned to the bot."""
        inquiry = Inquiry.of(claim.task)
        if why is not GiveUp.FAILED:  # the try that failed has its line in the log
            with question_logged(
                reference, surface=inquiry.surface, generation=self.generation
            ) as record:
                record.outcome = why
        if inquiry.is_addressed:
            with suppress(Stopped):
                await self._apologise(claim, inquiry, why)

    def stop(self, channel: str, thread: str) -> bool:
        """Stop the questions of a conversation that are being answered; False: there is none."""
        return self._tools.asking.stop((channel, thread))

    async def _apologise(self, claim: Claim, inquiry: Inquiry, why: GiveUp) -> None:
        try:
            decision = await self._tools.policy.decide(inquiry)
        except FAILURES:  # an apology tells nothing: it may go out unchecked
            decision = Decision(ChannelRules())
        destination = self._destination(claim, inquiry, decision)
        sentence = decision.refusal or texts.gave_up(why, reference_of(claim.task.key))
        try:
            if decision.refusal:
                await destination.say(plain_message(sentence))
            elif not decision.is_silent:
                await destination.post(plain_message(sentence))
        finally:
            await destination.close()

    async def _serve(
        self, claim: Claim, inquiry: Inquiry, decision: Decision, record: Record
    ) -> None:
        """See a question to its end and note what became of it."""
        if decision.is_silent:
            record.outcome = "ignored"
            return
        destination = self._destination(claim, inquiry, decision)
        try:
            if decision.refusal:
                await self._tools.inbox.note(claim.task.key, denied=True)
                await destination.say(plain_message(decision.refusal))
                record.outcome = "denied"
                return
            prepared = Prepared.of(claim) or await self._prepare(
                claim, inquiry, decision.rules, destination
            )
            if prepared is None:
                record.outcome = "overheard"
            else:
                await self._deliver(inquiry, destination, prepared)
                record.generation = prepared.conversation.generation
                record.outcome = prepared.conversation.outcome
        except GivingUp as error:
            await self._tools.inbox.note(claim.task.key, **{GIVEN_UP: error.why})
            if inquiry.is_addressed:
                sorry = texts.gave_up(error.why, reference_of(claim.task.key))
                await destination.post(plain_message(sorry))
            record.outcome = error.why
        finally:
            await destination.close()

    async def _prepare(
        self, claim: Claim, inquiry: Inquiry, rules: ChannelRules, destination: Destination
    ) -> Prepared | None:
        """Ask and make the message; None when what was overheard is not worth an answer."""
        tools, key = self._tools, claim.task.key
        text, is_debug = read_debug(inquiry.text)
        history = await self._history(inquiry)
        question = Question(text, history, reference_of(key), rules.folders)
        waited_seconds = tools.clock() - claim.received_at
        turn = await tools.asking.ask(
            question,
            destination if inquiry.is_addressed else None,
            place=(inquiry.channel, inquiry.thread),
            patience_seconds=tools.pace.too_late - waited_seconds,
        )
        logger.debug("question %s was searched as %r", question.id, turn.standalone)
        if not inquiry.is_addressed and not isinstance(turn.reply, Answer):
            return None
        notes = await tools.small_print.of(
            turn,
            inquiry,
            is_first=not history and tools.conversations.keeps_anything,
            is_private=rules.is_private,
            is_debug=is_debug,
        )
        message = turn_message(
            turn,
            surface=inquiry.surface,
            can_escalate=tools.can_escalate,
            notes=notes,
            is_private=rules.is_private,
        )
        prepared = Prepared(
            message,
            conversation_of(turn, inquiry, asked_at=claim.received_at, is_private=rules.is_private),
        )
        # In one transaction; the conversation is there before anybody can follow it up.
        await asyncio.gather(
            tools.inbox.keep_reply(key, message),
            tools.inbox.note(key, **prepared.notes()),
            tools.conversations.add(prepared.conversation),
        )
        return prepared

    async def _deliver(
        self, inquiry: Inquiry, destination: Destination, prepared: Prepared
    ) -> None:
        posted = await destination.post(prepared.message)
        if posted:
            channel = inquiry.channel if inquiry.surface in THREADED else ""  # else the asker's
            await self._tools.conversations.add(
                replace(prepared.conversation, posted_channel=channel, posted_ts=posted)
            )

    async def _history(self, inquiry: Inquiry) -> tuple[Exchange, ...]:
        conversations = self._tools.conversations
        if inquiry.continues:
            return await conversations.history_up_to(inquiry.continues)
        if inquiry.thread:
            return await conversations.history(inquiry.channel, inquiry.thread)
        return ()

    def _destination(self, claim: Claim, inquiry: Inquiry, decision: Decision) -> Destination:
        is_private = decision.rules.is_private
        return self._tools.delivery.to(inquiry, claim=claim, is_private=is_private)
