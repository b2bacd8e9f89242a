"""What the inbox holds: a task as Slack brought it, and the claim of a process that works on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from .message import Message


class TaskKind(StrEnum):
    """What is to be done; each kind has one handler."""

    QUESTION = "question"
    VOTE = "vote"  # a thumb, or the reason given for one
    SHARE = "share"  # a private answer into its channel
    ESCALATION = "escalation"  # "I need a human"
    RESOLUTION = "resolution"  # of an escalation
    CHANNEL_RULES = "channel_rules"  # an admin's settings for a channel


class Surface(StrEnum):
    """Where a question was asked."""

    MENTION = "mention"  # app_mention
    DIRECT = "direct"  # message.im
    THREAD = "thread"  # a follow-up without a mention in a thread that the bot takes part in
    AUTO = "auto"  # overheard in a channel where questions are answered unasked
    COMMAND = "command"  # /clockify
    SHORTCUT = "shortcut"  # "Ask Clockify about this message"
    FORM = "form"  # a modal: global shortcut, follow-up, rephrase
    HOME = "home"  # a click in the App Home


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that somebody asked of the bot.

    key is what Slack may deliver twice under one name: "event Ev0…", "command <trigger_id>",
    "action <…>". twin is "<team> <channel> <ts>" of the message it is about, "" where there is
    none: app_mention and message events of one message share it. body is what the handler needs,
    as JSON; it is wiped when the task is done.
    """

    key: str
    kind: TaskKind
    user: str
    channel: str
    twin: str = ""
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question with where it came from.

    ts is the message's own ("" for commands and forms); thread is the root of the conversation
    and of the reply ("" outside channels and direct messages). continues is the id of the answer
    that a follow-up form or a share refers to.
    """

    key: str
    text: str
    surface: Surface
    team: str
    user: str
    channel: str
    ts: str = ""
    thread: str = ""
    response_url: str = ""
    is_external: bool = False  # the channel is shared with another company
    continues: str = ""

    @property
    def is_addressed(self) -> bool:
        """Whether the asker turned to the bot, and so must get some reply."""
        return self.surface is not Surface.AUTO

    def to_task(self) -> Task:
        """Give what the inbox keeps."""
        twin = f"{self.team} {self.channel} {self.ts}" if self.ts else ""
        return Task(self.key, TaskKind.QUESTION, self.user, self.channel, twin, asdict(self))

    @classmethod
    def of(cls, task: Task) -> Inquiry:
        """Read it back."""
        return cls(**{**task.body, "surface": Surface(task.body["surface"])})


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this process, and no other, works on now; tries counts this one."""

    task: Task
    tries: int
    received_at: float  # seconds since 1970
    reply: Message | None = None  # what an earlier try was about to post
    notes: dict[str, Any] = field(default_factory=dict)  # what an earlier try left, see Inbox.note

    @property
    def may_be_repeated(self) -> bool:
        """Whether an earlier try may have posted already; one that was handed back is not counted,
        but had noted what it was about to show.
        """
        return self.tries > 1 or self.reply is not None or bool(self.notes)


class GiveUp(StrEnum):
    """Why a task ends with an apology."""

    TOO_LATE = "too_late"  # it waited for more than 15 minutes
    POISON = "poison"  # three tries ended with the process
    FAILED = "failed"  # it raised
    TIMED_OUT = "timed_out"  # the question's deadline passed
    BUSY = "busy"  # too many were waiting when it came


class Handler(Protocol):
    """Works on the tasks of one kind. Both methods must be safe to repeat (claim.may_be_repeated).

    handle ends in something the person sees, or raises; CancelledError leaves the task for later.
    give_up says that there will be no answer; reference is what a person can quote.
    """

    async def handle(self, claim: Claim) -> None: ...

    async def give_up(self, claim: Claim, why: GiveUp, reference: str) -> None: ...
