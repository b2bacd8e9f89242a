"""What the bot listens to, one module a surface; the first match wins, so catch_all is last."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.gap_command import GapCommand
from bot.gaps import gaps_message
from bot.home_actions import ActionTools, HomeActions
from bot.parts import Parts
from bot.tasks import Task

from . import (
    catch_all,
    commands,
    escalation,
    feedback,
    forms,
    home,
    home_admin,
    intake,
    mentions,
    messages,
    rebuild,
    sessions,
    sharing,
    shortcuts,
)
from .replies import Replies


def register(app: AsyncApp, parts: Parts) -> None:
    """Connect every listener."""
    replies = Replies(app.client)
    intake.register(
        app,
        inbox=parts.store.inbox,
        notice=parts.workers.notice,
        readers=_readers(parts),
        replies=replies,
    )
    sessions.register(app, parts.desk)
    gaps = _gaps(parts)
    home.register(app, parts.home)
    actions = _home_actions(parts, gaps)
    home_admin.register(app, parts.home, actions, parts.background, replies)
    commands.register(app, _command_tools(parts, gaps))
    shortcuts.register(app)
    sharing.register(app)
    forms.register(app, seal=parts.seal, conversations=parts.store.conversations)
    rebuild.register(app, parts.rebuild_commands, parts.background, replies)
    feedback.register(app)
    escalation.register(app)
    catch_all.register(app, parts.health)


def _gaps(parts: Parts) -> GapCommand:
    return GapCommand(
        parts.store.conversations,
        parts.admin_check,
        parts.audit,
        usergroup=parts.slack.admin_usergroup,
        gaps_message=gaps_message,
    )


def _home_actions(parts: Parts, gaps: GapCommand) -> HomeActions:
    return HomeActions(
        ActionTools(
            rebuild_commands=parts.rebuild_commands,
            gaps=gaps,
            rules=parts.store.rules,
            admin_check=parts.admin_check,
            audit=parts.audit,
            hearing=parts.hearing,
            folders=parts.knowledge.folders,
            usergroup=parts.slack.admin_usergroup,
        )
    )


def _command_tools(parts: Parts, gaps: GapCommand) -> commands.CommandTools:
    return commands.CommandTools(
        status=parts.status,
        gaps=gaps,
        conversations=parts.store.conversations,
        background=parts.background,
    )


def _readers(parts: Parts) -> intake.Readers:
    message_reader = messages.MessageReader(
        bot_user=parts.identity.bot_user_id,
        conversations=parts.store.conversations,
        rules=parts.store.rules,
        hearing=parts.hearing,
    )

    async def read_mention(body: intake.Body) -> Task | None:
        return mentions.read(body)

    return intake.Readers(
        events={"app_mention": read_mention, "message": message_reader.read},
        others=(
            commands.read,
            shortcuts.read,
            forms.reader(parts.seal),
            sharing.read,
            feedback.read,
            escalation.read,
            home.read,
            home_admin.read,
        ),
    )
