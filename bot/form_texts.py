"""Every sentence about /clockify's subcommands, forms and sharing; arguments must be safe mrkdwn.

What stands in a form's title, label, button or error is plain text: Slack shows it as it is.
"""

from __future__ import annotations

from .durations import duration

COMMAND_HELP = (
    "*What `/clockify` does*\n"
    "• `/clockify` _question_: an answer that only you see, which you can share or follow up\n"
    "• `/clockify status`: which articles I know, and whether all is well\n"
    "• `/clockify feedback`: tell what was wrong with an answer, or anything else\n"
    "• `/clockify gaps`: what people asked in vain (admins)\n"
    "• `/clockify help`: this"
)

ONE_MOMENT = "One moment, please …"
COMMAND_INTERRUPTED = "I was restarted before this was done. Please use the command again."
COMMAND_TOO_LATE = "Slack gave me no time to open the form. Please use the command again."

# status
STATUS_NO_KNOWLEDGE = "*Knowledge:* none is loaded yet. An admin can use `/clockify-rebuild`."
MODEL_NONE = "*Language model:* none, so answers are quotes from the articles."
STATUS_NOTHING_KEPT = (
    "*Kept:* nothing. Questions and answers are forgotten once they are posted, so I know neither "
    "follow-ups nor gaps, and private answers cannot be shared."
)

# gaps
GAPS_NO_ADMINS = (
    "Only admins may see what others asked, and nobody is one yet: "
    "the bot's setting `ADMIN_USERS` is empty."
)
GAPS_NOT_FOR_YOU = "Only full members of this workspace that are admins of this bot may see that."

# forms
ASK_TITLE = "Ask Clockify"
ASK_LABEL = "Your question"
ASK_PLACEHOLDER = "How do I lock timesheets?"
ASK_HINT = "I answer in a direct message, from the help articles and with links to them."
ASK_SUBMIT = "Ask"
FOLLOW_UP_TITLE = "Ask a follow-up"
FOLLOW_UP_PLACEHOLDER = "And on the iPhone?"
FOLLOW_UP_HINT = "I remember the answer that you follow up; only you will see the next one."
REPHRASE_TITLE = "Ask it differently"
REPHRASE_HINT_THREAD = "I search again and answer in the same thread."
REPHRASE_HINT_PRIVATE = "I search again; only you will see the answer."
FEEDBACK_TITLE = "Feedback"
FEEDBACK_ANSWER_LABEL = "About which answer?"
FEEDBACK_ELSE = "Something else"
FEEDBACK_REASON_LABEL = "What is wrong?"
FEEDBACK_TEXT_LABEL = "In your words"
FEEDBACK_TEXT_HINT = "Those who run this bot read it. Please leave out what is confidential."
FEEDBACK_SUBMIT = "Send"
FEEDBACK_THANKS = "Thank you. Those who look after the articles will see it."
CANCEL = "Cancel"
CLOSE = "Close"
ON_ITS_WAY_TITLE = "On its way"
ON_ITS_WAY = "I am searching and answer in our direct message: *Apps › clockify-bot › Messages*."
EMPTY_QUESTION = "Please write a question."
EMPTY_FEEDBACK = "Please write a few words, or choose what is wrong."
FORM_TOO_LATE = "Slack gave me no time to open the form. Please press the button again."
SHORTCUT_TOO_LATE = (
    "Slack gave me no time to open the form. Please use the shortcut again, "
    "or just write your question here."
)
UNREADABLE_FORM = "I could not read this form. Please close it and try again."

# "Ask Clockify about this message"
MESSAGE_IS_EMPTY = (
    "That message has no text that I could look up. Try `/clockify` with your own question."
)
MESSAGE_IS_BY_A_BOT = (
    "A bot wrote that message, and I look up only what people write. "
    "Try `/clockify` with your own question."
)

# sharing
ASKED_BY_COMMAND = "with `/clockify`"
ASKED_BY_SHORTCUT = "about a message"
ASKED_IN_PRIVATE = "in private"
SHARED = "Shared."
ALREADY_SHARED = "That answer has been shared already."
SHARE_UNDER_WAY = "I am sharing that answer already."
SHARE_UNKNOWN = (
    "I do not have that answer any more, so I cannot share it. "
    "Please ask again with `/clockify` and share the new answer."
)
SHARE_NOT_YOURS = "Only the person who asked can share that answer."
SHARE_NOWHERE = "There is no channel that I could share that answer in."
SHARE_ARCHIVED = "This channel is archived, so I could not share the answer."
SHARE_READ_ONLY = "I may not post in this channel, so I could not share the answer."


def too_long(characters: int, most: int) -> str:
    """Tell how long a text may be."""
    return f"That is {characters:,} characters; I read up to {most:,}. Please shorten it."


def message_too_long(characters: int, most: int) -> str:
    """Tell that a message is no question that can be looked up."""
    return (
        f"That message has {characters:,} characters; I read up to {most:,}. "
        "Try `/clockify` with the one thing that you need to know."
    )


def knowledge_line(generation: str, age_seconds: float | None, articles: int | None) -> str:
    """Tell what the bot answers from, how old it is and how much of it there is."""
    age = "" if age_seconds is None else f", read {duration(age_seconds)} ago"
    count = "" if articles is None else f", {articles:,} articles"
    return f"*Knowledge:* generation {generation}{age}{count}."


def model_writes(name: str) -> str:
    """Tell which language model writes the answers."""
    return f"*Language model:* {name} writes the answers."


def model_fails(name: str, seconds: float | None) -> str:
    """Tell that it does not answer now, for how long that has been so, and what comes instead."""
    span = "" if seconds is None else f" for {duration(seconds)}"
    return (
        f"*Language model:* {name} has not answered{span}. "
        "Until it does, answers are quotes from the articles, and say so."
    )


def model_problem(reason: str) -> str:
    """Tell admins what it failed with."""
    return f"*Its last failure:* {reason}"


def connected_line(seconds: float | None, reconnects: int) -> str:
    """Tell how the connection to Slack is; seconds is None while there is none."""
    since = "not connected" if seconds is None else f"connected for {duration(seconds)}"
    again = f", reconnected {reconnects:,} times" if reconnects > 1 else ""
    again = ", reconnected once" if reconnects == 1 else again
    return f"*Slack:* {since}{again}."


def queue_line(waiting: int) -> str:
    """Tell how many questions are not answered yet."""
    match waiting:
        case 0:
            return "*In hand:* nothing, ask away."
        case 1:
            return "*In hand:* one question."
        case _:
            return f"*In hand:* {waiting:,} questions."


def kept_line(days: int) -> str:
    """Tell for how long questions and answers are kept."""
    if not days:
        return STATUS_NOTHING_KEPT
    span = "a day" if days == 1 else f"{days:,} days"
    return f"*Kept:* questions and answers for {span}, for follow-ups and to improve the articles."


def not_an_admin(usergroup: str) -> str:
    """Tell who may see the gaps; usergroup is an id or ""."""
    members = f" and the members of <!subteam^{usergroup}>" if usergroup else ""
    return (
        "Only the admins of this bot may see what others asked: "
        f"those that its setting `ADMIN_USERS` names{members}."
    )


def shared_footer(user: str, how: str) -> str:
    """Tell whose question it was, and how they asked."""
    return f"Asked by <@{user}> {how}"


def invite_me(bot: str) -> str:
    """Tell how to get the bot into a channel; bot is its user id."""
    return f"I am not in this channel. Invite me first: /invite <@{bot}>. Then share again."


def share_failed(reference: str) -> str:
    """Tell that sharing broke, with an id to quote."""
    return (
        "I could not share the answer. Please try again; if it stays so, "
        f"tell your admin this reference: `{reference}`"
    )
