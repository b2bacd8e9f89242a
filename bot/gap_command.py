"""`/clockify gaps`: what people asked in vain, for admins alone; every use leaves an audit line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import form_texts, rebuild_texts
from .audit import Attempt, AuditLog
from .blocks import plain_message
from .conversations import Conversations, Gap
from .membership import Verdict
from .message import Message
from .permissions import AdminCheck

SUBCOMMAND = "gaps"  # in the audit
MAX_GAPS = 20


class GapCommand:
    """Shows gaps to whom it may; gaps_message makes them readable."""

    def __init__(
        self,
        conversations: Conversations,
        check: AdminCheck,
        audit: AuditLog,
        *,
        usergroup: str,
        gaps_message: Callable[[Sequence[Gap]], Message],
    ) -> None:
        self._conversations = conversations
        self._check = check
        self._audit = audit
        self._usergroup = usergroup
        self._gaps_message = gaps_message

    async def answer(self, *, user: str, team: str, channel: str) -> Message:
        """Give the gaps, or why not; raises StorageError when they cannot be read."""
        verdict = await self._check.verdict(user, team=team)
        is_allowed = verdict is Verdict.ALLOWED
        await self._audit.record(
            Attempt(
                user=user,
                team=team,
                channel=channel,
                subcommand=SUBCOMMAND,
                allowed=is_allowed,
                outcome="shown" if is_allowed else verdict.value,
            )
        )
        if not is_allowed:
            return plain_message(self._refusal(verdict))
        if not self._conversations.keeps_anything:
            return plain_message(form_texts.STATUS_NOTHING_KEPT)
        return self._gaps_message(await self._conversations.gaps(MAX_GAPS))

    def _refusal(self, verdict: Verdict) -> str:
        match verdict:
            case Verdict.NO_ADMINS:
                return form_texts.GAPS_NO_ADMINS
            case Verdict.NOT_ADMIN:
                return form_texts.not_an_admin(self._usergroup)
            case Verdict.CHECK_FAILED:
                return rebuild_texts.CHECK_FAILED
            case _:
                return form_texts.GAPS_NOT_FOR_YOU
