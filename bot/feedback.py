"""Votes in, one JSON line each on disk and a row in the database; a thank-you out.

The lines hold no text and no plain user id, and are bounded in size. A person may vote again, and
a task may be tried again: all lines are kept, and the last one of a person and an answer counts.
What somebody wrote with a vote goes to the database alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

from . import answer_texts, texts
from .blocks import plain_message
from .conversations import Conversations
from .membership import FAILURES, Membership, Verdict
from .response_url import ResponseUrl
from .tasks import Claim, GiveUp, Task

logger = logging.getLogger(__name__)

MAX_BYTES = 5 * 1024 * 1024
GENERAL = "general"  # feedback that is about no answer


@dataclass(frozen=True, slots=True)
class Vote:
    """One click; user is Slack's id and is not stored as such."""

    answer_id: str
    vote: str  # "up" or "down"
    user: str
    surface: str
    generation: str
    reason: str = ""  # "wrong", "incomplete", …: why it is "down"

    @classmethod
    def of(cls, task: Task) -> Vote:
        """Read a task; a form that says no vote is a complaint."""
        body = task.body
        answer_id = body["answer_id"]
        return cls(
            # Each piece of general feedback counts for itself.
            f"{GENERAL} {task.key}" if answer_id == GENERAL else answer_id,
            body.get("vote", "down"),
            task.user,
            body.get("surface", ""),
            body.get("generation", ""),
            body.get("reason", ""),
        )


class FeedbackLog:
    """Appends votes to a file that only its owner can read; one older file is kept."""

    def __init__(self, path: Path, *, secret: str, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._key = hashlib.sha256(secret.encode()).digest()
        self._max_bytes = max_bytes

    def record(self, vote: Vote) -> None:
        """Append one line; raises OSError when the disk does not take it."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "answer_id": vote.answer_id,
            "generation": vote.generation,
            "vote": vote.vote,
            "user": self.user_hash(vote.user),
            "surface": vote.surface,
            **({"reason": vote.reason} if vote.reason else {}),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._rotate()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._path, flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def user_hash(self, user: str) -> str:
        """Give the same short hash for the same person, useless without the bot's token."""
        return hashlib.blake2b(user.encode(), key=self._key, digest_size=8).hexdigest()

    def _rotate(self) -> None:
        if self._path.exists() and self._path.stat().st_size >= self._max_bytes:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))


class VoteHandler:
    """Records votes and thanks for them. Anybody may vote on what they see, but no bot."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        membership: Membership,
        conversations: Conversations,
        feedback_log: FeedbackLog,
    ) -> None:
        self._client = client
        self._membership = membership
        self._conversations = conversations
        self._log = feedback_log

    async def handle(self, claim: Claim) -> None:
        """Record, then thank the person alone; the answer may be forgotten already."""
        task, vote = claim.task, Vote.of(claim.task)
        if await self._is_machine(task.user):
            logger.warning("a vote by %s, which is no person, is not counted", task.user)
            return
        user, comment = self._log.user_hash(task.user), task.body.get("comment", "")
        await self._conversations.vote(vote.answer_id, user, vote.vote, vote.reason, comment)
        await asyncio.to_thread(self._log.record, vote)
        is_reason = bool(vote.reason or comment)
        thanks = answer_texts.THANKS_REASON if is_reason else answer_texts.thanks(vote.vote)
        await self._tell(task, thanks)

    async def give_up(self, claim: Claim, why: GiveUp, reference: str) -> None:
        """Say that the vote does not count."""
        logger.warning("vote %s was given up: %s", reference, why.value)
        await self._tell(claim.task, texts.error(reference))

    async def _is_machine(self, user: str) -> bool:
        try:
            return await self._membership.verdict(user) in (Verdict.BOT, Verdict.DEACTIVATED)
        except FAILURES:
            return False  # a vote is no right; Slack's buttons are pressed by people

    async def _tell(self, task: Task, sentence: str) -> None:
        url, thread = task.body.get("response_url"), task.body.get("thread_ts", "")
        if url and not await ResponseUrl(self._client, url).say(
            plain_message(sentence), thread=thread
        ):
            logger.info("Slack did not take the thanks for a vote")
