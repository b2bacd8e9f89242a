"""/clockify-rebuild from what was typed to what is answered: who may, what to do, the audit."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from enum import StrEnum

from . import rebuild_texts, texts
from .audit import Attempt, AuditLog
from .membership import Verdict
from .message import Message
from .permissions import AdminCheck
from .question_log import new_reference
from .rebuild_run import LiveMessage
from .rebuilds import Rebuilds, Reply
from .report_blocks import lines_message

logger = logging.getLogger(__name__)

NUMBER = re.compile(r"[0-9]{1,8}")


class Subcommand(StrEnum):
    """What /clockify-rebuild does; the whole text, and nothing else, names it."""

    REBUILD = "rebuild"  # typed as nothing
    STATUS = "status"
    CANCEL = "cancel"
    ROLLBACK = "rollback"
    ROLLBACK_WHICH = "rollback which"  # to what is no number
    FORCE = "force"
    HELP = "help"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RebuildCommand:
    """One use of the command: who, where, what; generation is what a rollback asks for."""

    user: str
    team: str
    channel: str
    subcommand: Subcommand
    generation: str = ""


def read_subcommand(text: str) -> tuple[Subcommand, str]:
    """Read the text after the command; case and blanks do not matter.

    >>> read_subcommand("  Rollback  41 ")
    (<Subcommand.ROLLBACK: 'rollback'>, '41')
    >>> read_subcommand("status please")
    (<Subcommand.UNKNOWN: 'unknown'>, '')
    >>> read_subcommand("rollback abc")
    (<Subcommand.ROLLBACK_WHICH: 'rollback which'>, '')
    """
    match text.lower().split():
        case []:
            return Subcommand.REBUILD, ""
        case ["rollback", number] if NUMBER.fullmatch(number):
            return Subcommand.ROLLBACK, number
        case ["status" | "cancel" | "rollback" | "force" | "help" as word]:
            return Subcommand(word), ""
        case ["rollback", *_]:
            return Subcommand.ROLLBACK_WHICH, ""
        case _:
            return Subcommand.UNKNOWN, ""


class RebuildCommands:
    """Answers each command once and leaves one line in the audit, whatever comes of it."""

    def __init__(
        self, rebuilds: Rebuilds, check: AdminCheck, audit: AuditLog, *, usergroup: str
    ) -> None:
        self.rebuilds = rebuilds
        self._check = check
        self._audit = audit
        self._usergroup = usergroup

    async def answer(self, command: RebuildCommand, message: LiveMessage) -> Message:
        """Do what an admin asks and give what to tell; message will be edited by a rebuild."""
        verdict, reply = Verdict.CHECK_FAILED, Reply(Message(""), "interrupted")
        try:
            verdict = await self._check.verdict(command.user, team=command.team)
            if verdict is Verdict.ALLOWED:
                reply = await self._do(command, message)
            else:
                reply = Reply(self._refusal(verdict, command.user), verdict.value)
        except Exception:  # the outermost frame of this task
            reference = new_reference()
            logger.exception("/clockify-rebuild failed, reference %s", reference)
            reply = Reply(lines_message(texts.error(reference)), "error")
        finally:
            await self._audit.record(
                Attempt(
                    user=command.user,
                    team=command.team,
                    channel=command.channel,
                    subcommand=command.subcommand.value,
                    generation=command.generation,
                    allowed=verdict is Verdict.ALLOWED,
                    outcome=reply.outcome,
                )
            )
        return reply.message

    async def _do(self, command: RebuildCommand, message: LiveMessage) -> Reply:
        match command.subcommand:
            case Subcommand.REBUILD:
                return await self.rebuilds.start(command.user, message)
            case Subcommand.FORCE:
                return await self.rebuilds.start(command.user, message, force=True)
            case Subcommand.STATUS:
                return await self.rebuilds.status()
            case Subcommand.CANCEL:
                return await self.rebuilds.cancel(command.user)
            case Subcommand.ROLLBACK:
                return await self.rebuilds.rollback(command.generation or None)
            case Subcommand.ROLLBACK_WHICH:
                return await self.rebuilds.rollback_which()
            case Subcommand.HELP:
                return Reply(lines_message(rebuild_texts.REBUILD_HELP), "told")
            case Subcommand.UNKNOWN:
                told = (rebuild_texts.REBUILD_UNKNOWN, rebuild_texts.REBUILD_HELP)
                return Reply(lines_message(*told), "unknown subcommand")

    def _refusal(self, verdict: Verdict, user: str) -> Message:
        match verdict:
            case Verdict.NO_ADMINS:
                return lines_message(rebuild_texts.no_admins(user))
            case Verdict.NOT_ADMIN:
                return lines_message(rebuild_texts.not_an_admin(self._usergroup))
            case Verdict.CHECK_FAILED:
                return lines_message(rebuild_texts.CHECK_FAILED)
            case Verdict.DEACTIVATED:
                return lines_message(rebuild_texts.NOT_FOR_DEACTIVATED)
            case Verdict.BOT:
                return lines_message(rebuild_texts.NOT_FOR_BOTS)
            case Verdict.STRANGER:
                return lines_message(rebuild_texts.NOT_FOR_STRANGERS)
            case Verdict.GUEST:
                return lines_message(rebuild_texts.NOT_FOR_GUESTS)
            case Verdict.ALLOWED:
                raise AssertionError("nobody who may is refused")
