"""Every sentence about questions and answers that the bot says in Slack, as safe mrkdwn."""

from __future__ import annotations

from .tasks import GiveUp

UNKNOWN_COMMAND = "I do not know this command. Try `/clockify help`."
NOT_TAKEN = (
    "I could not note down what you asked for, so it is not done. Please try again in a minute; "
    "if it keeps happening, tell your admin that my disk does not take anything."
)
NOT_TAKEN_TITLE = "Not taken"
MENTION_FOR_FOLLOW_UP = "To go on, mention me again in this thread."
HOW_TO_USE = (
    "Ask me about Clockify, and I answer from the help articles, with links to them.\n"
    "• In a channel: mention me, for example `@clockify-bot how do I lock timesheets?`\n"
    "• In a direct message: just write your question.\n"
    "• Anywhere, visible only to you: `/clockify how do I track time`\n"
    "When the articles do not have the answer, I say so."
)


def searching(question: str) -> str:
    """Repeat a question that nobody else sees, so that several can be told apart."""
    return f"Searching the help articles for “{question}” …"


def error(reference: str) -> str:
    """Tell that something broke, with an id to quote."""
    return f"Sorry, I could not do that. Please tell your admin this reference: `{reference}`"


def gave_up(why: GiveUp, reference: str) -> str:
    """Tell why there will be no answer, what to do, and an id to quote."""
    match why:
        case GiveUp.TOO_LATE:
            reason = "I could not get to your question within 15 minutes. Please ask me again."
        case GiveUp.TIMED_OUT:
            reason = "I did not find an answer in time. Please ask me again, perhaps more briefly."
        case GiveUp.BUSY:
            reason = "I have too many questions at once. Please ask me again in a few minutes."
        case GiveUp.POISON:
            reason = "I broke down three times over this question. Please word it differently."
        case GiveUp.FAILED:
            return error(reference)
    return f"Sorry! {reason} Your admin can look it up by this reference: `{reference}`"


def knowledge_age(days: int) -> str:
    """Tell that the knowledge may be out of date."""
    return f"The articles I know were read {days} days ago; newer ones may say something else."


def debug(
    *, standalone: str, generation: str, answerer: str, milliseconds: tuple[float, float, float]
) -> str:
    """Tell how an answer came about; milliseconds for the search, the answer, all together."""
    search, answer, total = map(round, milliseconds)
    return (
        f"Searched for “{standalone}” in generation {generation}; answered by {answerer}; "
        f"search {search} ms, answer {answer} ms, total {total} ms."
    )


def knowledge_of(generation: str) -> str:
    """Tell which knowledge the bot answers from."""
    return f"Knowledge: generation {generation}" if generation else "No knowledge is loaded yet."


def quoted(mrkdwn: str) -> str:
    """Set something apart, line by line."""
    return "\n".join(f"> {line}" for line in mrkdwn.splitlines())
