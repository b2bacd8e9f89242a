"""Every sentence of the Home tab, the channel form and the gaps; arguments must be safe mrkdwn.

What stands in a title, label, button or option is plain text: Slack shows it as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from .channel_rules import ChannelRules, Mode
from .durations import duration

TITLE = "clockify-bot"
INTRO = (
    "I answer questions about Clockify from the help articles and link to the ones I used. "
    "When they do not have the answer, I say that I do not know."
)
HOW_TO_ASK = (
    "*How to ask*\n"
    "Mention me in a channel and I reply in the thread, write to me in the Messages tab, or use "
    "`/clockify` for an answer that only you see. "
    "Whole questions work best: `How do I lock timesheets?`"
)
EXAMPLES = "*Try one of these*"
RECENT = "*What you asked lately*"
ASK = "Ask"
ASK_AGAIN = "Ask again"
UNREADABLE_QUESTION = "I could not read that question. Please write it in the Messages tab."

# admins
PANEL = "For admins"
REBUILD = "Rebuild the knowledge"
SHOW_GAPS = "Asked in vain"
SHOW_CHANNELS = "Channel settings"
NEVER_HEARD = "*Last heard from Slack:* nothing yet."
STATUS_UNKNOWN = "I could not read how I am doing: my disk does not give it. The log says why."
TOO_LATE = "Slack gave me no time to open that. Please press the button again."
NOT_FROM_HOME = "That works only in my Home tab."

# gaps
GAPS_TITLE = "Asked in vain"
GAPS_NONE = "*Nothing was asked in vain* lately: no question was refused or got a thumb down."
GAPS_INTRO = "What I could not answer, or not well; the most frequent first."
GAPS_FAILED = "I could not read the questions: my disk does not give them. The log says why."
REASONS = {  # that people give with a thumb down, see answer_texts.REASONS
    "wrong": "wrong",
    "incomplete": "incomplete",
    "outdated": "out of date",
    "unclear": "unclear",
}
NOTHING_NEAR = "No article comes near."
NEAREST = "Nearest:"
LOADING = "One moment, please …"

# channel settings
CHANNEL_TITLE = "Channel settings"
CHANNEL_INTRO = (
    "*How I answer in a channel.* Choose one. Without settings I answer when I am mentioned, for "
    "everybody to see, from all articles, and not at all where another company takes part."
)
CHANNEL_PLACEHOLDER = "Choose a channel"
CHANNEL_CHOOSE = "*Channel*"
CHANNEL_MODE = "When I answer"
MODES = {
    Mode.MENTIONS: ("When I am mentioned", "And in threads where I take part"),
    Mode.AUTO: ("Every question", "Also those that nobody asked me, when I know the answer"),
    Mode.OFF: ("Never", "Whoever mentions me is told that I am off"),
}
CHANNEL_FLAGS = "Also"
PRIVATE_FLAG = ("Answer privately", "Only the person who asked sees the answer")
EXTERNAL_FLAG = ("Answer although another company takes part", "Their people get answers, too")
CHANNEL_FOLDERS = "Which articles I search"
FOLDERS_PLACEHOLDER = "All of them"
FOLDERS_HINT = "Folders of the knowledge; none chosen means all of it."
FOLDERS_HINT_CUT = (
    "Folders of the knowledge; none chosen means all of it. Slack lists 100 at most, "
    "so some of yours are not here."
)
FOLDER_GONE = "not in the knowledge now"
AUTO_UNHEARD = (
    ":information_source: *Every question* needs Slack to send me channel messages. I have not "
    "received one since I was started: either nobody wrote where I am a member, or this app was "
    "made without the event `message.channels`. The manifest `docs/manifests/follow-ups.yml` has "
    "it. I must be a member of the channel, too."
)
CHANNEL_SUBMIT = "Save"
CHANNEL_LIST = "*Channels with settings of their own*"
CHANNEL_LIST_EMPTY = "No channel has settings of its own yet."
CHANNEL_UNREADABLE = (
    "I could not read this form, so nothing changed. Perhaps the settings of the channel were "
    "still loading. Please open it again."
)
CHANNEL_ON_ITS_WAY = "Noted. I write you a direct message as soon as it is saved."
CHANNELS_FAILED = "I could not read the settings: my disk does not give them. The log says why."
SETTINGS_NO_ADMINS = (
    "Only admins may see and change the settings of channels, and nobody is one yet: "
    "the bot's setting `ADMIN_USERS` is empty."
)
SETTINGS_NOT_FOR_YOU = (
    "Only full members of this workspace that are admins of this bot may see and change that. "
    "Nothing changed."
)


def looking_up(question: str) -> str:
    """Tell where the answer to a question will be."""
    return f"I am looking up “{question}” and answer in the *Messages* tab."


def knowledge(generation: str, age_seconds: float | None, articles: int | None) -> str:
    """Tell what the bot knows and how fresh it is."""
    if not generation:
        return "*What I know:* nothing yet. An admin can use `/clockify-rebuild`."
    count = "the help articles" if articles is None else f"{articles:,} help articles"
    if articles == 1:
        count = "one help article"
    age = "" if age_seconds is None else f", read {duration(age_seconds)} ago"
    return f"*What I know:* {count}{age} (generation {generation})."


def asked_ago(seconds: float, outcome: str) -> str:
    """Tell when something was asked and whether it was answered; outcome as it is remembered."""
    answered = "answered" if outcome == "answered" else "not answered"
    return f"{duration(seconds)} ago, {answered}"


def last_heard(seconds: float) -> str:
    """Tell when Slack sent something last."""
    return f"*Last heard from Slack:* {duration(seconds)} ago."


def settings_not_an_admin(usergroup: str) -> str:
    """Tell who may change settings; usergroup is an id or ""."""
    members = f" and the members of <!subteam^{usergroup}>" if usergroup else ""
    return (
        "Only the admins of this bot may see and change the settings of channels: "
        f"those that its setting `ADMIN_USERS` names{members}. Nothing changed."
    )


def rules_told(rules: ChannelRules, folders: Sequence[str]) -> str:
    """Say the settings of a channel in a line; folders are its folders as safe mrkdwn."""
    told = {
        Mode.OFF: "never",
        Mode.MENTIONS: "when I am mentioned",
        Mode.AUTO: "every question",
    }[rules.mode]
    private = ", privately" if rules.is_private else ""
    external = ", also with another company" if rules.allows_external else ""
    shown, more = ", ".join(folders[:10]), len(folders) - 10
    rest = f" and {more} more" if more > 0 else ""
    where = f", from {shown}{rest}" if folders else ""
    return f"I answer {told}{private}{external}{where}"


def saved(channel: str, rules: str) -> str:
    """Confirm new settings; channel is an id, rules what rules_told gave."""
    return f"Saved for <#{channel}>: {rules}."


def not_saved(channel: str, reference: str) -> str:
    """Tell that settings could not be saved, with an id to quote."""
    return (
        f"I could not save the settings of <#{channel}>. Please try again; if it stays so, "
        f"look up this reference in my log: `{reference}`"
    )


def channel_line(channel: str, rules: str) -> str:
    """List a channel with its settings."""
    return f"• <#{channel}>: {rules}"


def more_channels(count: int) -> str:
    """Tell how many are not listed."""
    return f"… and {count:,} more. Choose one above to see its settings."


def gap_line(times: int, last_seconds: float, why: str, reasons: Sequence[str]) -> str:
    """Tell how often and why something was asked in vain; reasons are words of ours."""
    often = "asked once" if times == 1 else f"asked {times:,} times"
    outcome = "I found no answer" if why == "refused" else "a thumb down"
    said = f" ({', '.join(reasons)})" if reasons else ""
    return f"{often}, last {duration(last_seconds)} ago: {outcome}{said}"
