"""What stands under answers and around feedback and "I need a human", as safe mrkdwn.

Button and form texts are plain text: Slack shows them as they are.
"""

from __future__ import annotations

SOURCES = "*Sources*"
NEAREST = "These articles may help:"

HELPFUL = "Helpful"
NOT_HELPFUL = "Not helpful"
HUMAN = "I need a human"
REPHRASE = "Rephrase"
SHARE = "Share in channel"
FOLLOW_UP = "Ask a follow-up"
DISMISS = "Dismiss"
RESOLVE = "Resolve"

THANKS_UP = "Thank you, glad it helped."
THANKS_DOWN = "Thank you. This helps us improve the articles."
THANKS_REASON = "Thank you, noted with your vote."

REASON_TITLE = "What was not right?"  # Slack: 24 characters
REASON_LABEL = "The answer is"
REASONS = {
    "wrong": "Wrong",
    "incomplete": "Incomplete",
    "outdated": "Outdated",
    "unclear": "Unclear",
}
REASON_SEND = "Send"
REASON_SKIP = "Skip"
COMMENT_LABEL = "What should it say?"
COMMENT_HINT = "Only the operators of this bot read this."

HUMAN_ASKED = "I have asked a human. You will hear from me here when they are done."
HUMAN_ASKED_BY_MESSAGE = (
    "I have asked a human. You will get a direct message from me when they are done."
)
HUMAN_ASKED_BEFORE = "A human has been asked about this already; they know."
HUMAN_RESOLVED_BEFORE = "A human has looked at this already. If it is still open, ask them again."
HUMAN_UNREACHABLE = (
    "I could not reach a human: I cannot write to the channel for such questions. "
    "Please ask somebody directly, and tell your admin that `ESCALATION_CHANNEL` does not work: "
    "{what_to_do}"
)
NOT_SET = "not_set"
# By Slack's error; what an admin has to do.
CHANNEL_PROBLEMS = {
    NOT_SET: "it is not set.",
    "channel_not_found": "the bot must be invited to that channel, or the id is wrong.",
    "not_in_channel": "the bot must be invited to that channel.",
    "is_archived": "that channel is archived; another one must be set.",
    "restricted_action": "that channel's settings do not let the bot post.",
}
QUESTION = "*Question*"
ANSWER = "*My answer*"
IS_PRIVATE = "It was asked in private, so there is no link."
OPEN_CONVERSATION = "Open the conversation"
QUESTION_IS_GONE = "_I no longer have the question; the conversation has it._"
NOT_IN_CHARGE = "Only full members of this workspace can resolve this."
RESOLVED_BEFORE = "This was resolved already."


def thanks(vote: str) -> str:
    """Thank for a vote, "up" or "down"."""
    return THANKS_UP if vote == "up" else THANKS_DOWN


def shortened(percent: int) -> str:
    """Tell how much of an answer is not shown."""
    return (
        f"_This answer is too long for one message: about the last {percent} % is left out. "
        "The sources have the rest._"
    )


def more_sources(count: int) -> str:
    """Tell how many sources are not listed."""
    return f"and {count} more"


def shared_by(user: str) -> str:
    """Tell who showed a private answer to the channel; user is Slack's id."""
    return f"Shared by <@{user}>"


def unreachable(error: str) -> str:
    """Tell why no human could be asked, by Slack's error."""
    return HUMAN_UNREACHABLE.format(what_to_do=CHANNEL_PROBLEMS[error])


def wanted(user: str, asker: str, group: str) -> str:
    """Tell the humans who needs one, and whose question it was; group is mentioned when set."""
    called = f"<!subteam^{group}> " if group else ""
    whose = f" about a question of <@{asker}>" if asker and asker != user else ""
    return f"{called}<@{user}> needs a human{whose}."


def understood_as(question: str) -> str:
    """Tell how a follow-up was read; question is mrkdwn."""
    return f"Understood as: {question}"


def resolved_by(user: str) -> str:
    """Mark what was handed to humans as done."""
    return f":white_check_mark: *Resolved by <@{user}>*"


def resolved(user: str, resolver: str) -> str:
    """Tell the person who needed a human that one has been there."""
    return (
        f"<@{user}>, <@{resolver}> has looked at your question and marked it as resolved. "
        "Answer here if something is missing."
    )


def resolved_for(question: str, resolver: str) -> str:
    """The same in a direct message, with the question as mrkdwn, "" when it is not known."""
    about = f" (“{question}”)" if question else ""
    return f"<@{resolver}> has looked at your question{about} and marked it as resolved."
