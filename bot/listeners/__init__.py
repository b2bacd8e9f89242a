"""What the bot listens to, one module a surface; the first match wins, so catch_all is last."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.desk import Desk
from bot.feedback import FeedbackLog
from bot.rebuild_commands import RebuildCommands

from . import catch_all, commands, feedback, home, mentions, messages, rebuild
from .replies import Replies


def register(
    app: AsyncApp,
    *,
    desk: Desk,
    rebuild_commands: RebuildCommands,
    feedback_log: FeedbackLog,
) -> None:
    """Connect every listener."""
    replies = Replies(app.client)
    mentions.register(app, desk, replies)
    messages.register(app, desk, replies)
    home.register(app, desk)
    commands.register(app, desk, replies)
    rebuild.register(app, rebuild_commands, desk, replies)
    feedback.register(app, feedback_log, replies)
    catch_all.register(app)
