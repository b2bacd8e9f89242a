"""Every sentence about questions and answers that the bot says in Slack, as safe mrkdwn."""

from __future__ import annotations

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
    "• `/clockify-rebuild`: read the articles again (admins; `help` lists what else it does)"
)
HOME_HOW = (
    "*How to ask*\n"
    "Mention me in a channel and I reply in the thread, or write to me in the Messages tab. "
    "Whole questions work best: `How do I lock timesheets?`"
)


def searching(question: str) -> str:
    """Repeat a question that nobody else sees, so that several can be told apart."""
    return f"Searching the help articles for “{question}” …"


def error(reference: str) -> str:
    """Tell that something broke, with an id to quote."""
    return f"Sorry, I could not do that. Please tell your admin this reference: `{reference}`"


def knowledge_of(generation: str) -> str:
    """Tell which knowledge the bot answers from."""
    return f"Knowledge: generation {generation}" if generation else "No knowledge is loaded yet."


def quoted(mrkdwn: str) -> str:
    """Set something apart, line by line."""
    return "\n".join(f"> {line}" for line in mrkdwn.splitlines())
