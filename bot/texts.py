"""Every sentence that the bot says in Slack, as mrkdwn; arguments must already be safe mrkdwn."""

from __future__ import annotations

from core.report import Progress

SEARCHING_STATUS = "is searching the help articles…"
SOURCES = "*Sources*"
NEAREST = "These articles may help:"
SHORTENED = "_This answer was shortened; the sources have the rest._"
HELPFUL = "Helpful"
NOT_HELPFUL = "Not helpful"
THANKS_UP = "Thank you, glad it helped."
THANKS_DOWN = "Thank you. This helps us improve the articles."
UNKNOWN_COMMAND = "I do not know this command. Try `/clockify help`."
INTERRUPTED = "I was restarted before I could answer. Please ask me again."
BUSY = "I have too many questions at once. Please ask me again in a minute."
HOW_TO_USE = (
    "Ask me about Clockify, and I answer from the help articles, with links to them.\n"
    "• In a channel: mention me, for example `@clockify-bot how do I lock timesheets?`\n"
    "• In a direct message: just write your question.\n"
    "• Anywhere, visible only to you: `/clockify how do I track time`\n"
    "When the articles do not have the answer, I say so."
)
HOME_TITLE = "clockify-bot"
HOME_INTRO = (
    "I answer questions about Clockify from the help articles and link to the ones I used. "
    "When they do not have the answer, I say that I do not know."
)
HOME_COMMANDS = (
    "*Commands*\n"
    "• `/clockify` _question_: an answer that only you see\n"
    "• `/clockify help`: how to ask\n"
    "• `/clockify-rebuild`: read the articles again (admins)"
)
HOME_HOW = (
    "*How to ask*\n"
    "Mention me in a channel and I reply in the thread, or write to me in the Messages tab. "
    "Whole questions work best: `How do I lock timesheets?`"
)
REBUILD_STARTED = "Rebuilding the knowledge. I will tell you here when it is done."
REBUILD_INTERRUPTED = (
    "I was restarted before the rebuild ended. The knowledge from before is still in use; "
    "start `/clockify-rebuild` again."
)
REBUILD_NOT_ALLOWED = "Only the admins of this bot may rebuild its knowledge."


def searching(question: str) -> str:
    """Repeat a question that nobody else sees, so that several can be told apart."""
    return f"Searching the help articles for “{question}” …"


def error(reference: str) -> str:
    """Tell that something broke, with an id to quote."""
    return f"Sorry, I could not do that. Please tell your admin this reference: `{reference}`"


def knowledge_of(generation: str) -> str:
    """Tell which knowledge the bot answers from."""
    return f"Knowledge: generation {generation}" if generation else "No knowledge is loaded yet."


def no_admins(user_id: str) -> str:
    """Tell how to name the first admin."""
    return (
        "Nobody may rebuild yet, because `ADMIN_USERS` is empty. "
        f"Set `ADMIN_USERS={user_id}` (your own user id) in the bot's `.env` and restart the bot."
    )


def rebuild_running(started_by: str, progress: Progress | None) -> str:
    """Tell who is rebuilding, and how far it is."""
    return f"A rebuild is already running, started by <@{started_by}>. {_where(progress)}"


def rebuild_progress(progress: Progress | None) -> str:
    """Tell how far the rebuild is."""
    return f"Rebuilding the knowledge. {_where(progress)}"


def rebuild_failed(reason: str, generation: str) -> str:
    """Tell why there is no new knowledge."""
    return f"*The rebuild failed.* {reason}\n{_still(generation)}"


def rebuild_broke(reference: str, generation: str) -> str:
    """Tell that the rebuild broke for a reason that only the log has."""
    return (
        "*The rebuild failed* for a reason that I did not expect. "
        f"The log has it under this reference: `{reference}`\n{_still(generation)}"
    )


def _still(generation: str) -> str:
    return f"The knowledge from before is still in use. {knowledge_of(generation)}"


def _where(progress: Progress | None) -> str:
    if progress is None:
        return "It has just begun."
    counted = f" ({progress.done:,} of {progress.total:,})" if progress.total else ""
    left = progress.seconds_left
    remaining = "" if left is None else f", about {max(1, round(left))} s left"
    return f"Now: {progress.phase.value}{counted}{remaining}."
