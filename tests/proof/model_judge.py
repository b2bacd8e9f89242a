"""Judges replies: exactly one to each question, in time, and it says who wrote it.

That is the model, or nobody (quotes), marked as such.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]

MARK = "Answered without the language model"


class Kind(StrEnum):
    """What a reply is."""

    WRITTEN = "written by the model"
    MARKED = "quotes, marked as a fallback"
    UNMARKED = "quotes without a mark"
    OTHER = "no answer"


@dataclass(slots=True)
class Asked:
    """One question and what became of it; ts is "" for a command, trigger for all else."""

    text: str
    user: str
    channel: str
    ts: str
    trigger: str
    earlier: frozenset[str]  # what this person alone could see before
    at: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    reply: Json | None = None

    @property
    def kind(self) -> Kind | None:
        """Say what the reply is; None without one."""
        return None if self.reply is None else kind_of(self.reply)

    @property
    def reply_text(self) -> str:
        """Give the text of the reply, without the small print."""
        return "" if self.reply is None else str(self.reply["text"])

    def __str__(self) -> str:
        took = "never" if self.seconds is None else f"{self.seconds:.1f} s"
        return f"{self.text!r} in {self.channel}: {self.kind}, {took}"


def words(message: Json) -> str:
    """Give every text of a message, blocks included."""
    return json.dumps([message.get("text"), message.get("blocks")], ensure_ascii=False)


def is_final(message: Json) -> bool:
    """Tell a reply from a draft and from "Searching …"."""
    whole = words(message)
    return bool(message.get("bot_id")) and ("feedback:" in whole or "reference" in whole)


def kind_of(message: Json) -> Kind:
    """Judge a reply by what its reader sees: :debug has it say who answered."""
    whole = words(message)
    found = re.search(r"answered by ([\w.:-]+)", whole)
    by = found[1].rstrip(";") if found else "none"
    if by.startswith("ollama"):
        return Kind.WRITTEN if MARK not in whole else Kind.OTHER
    if by.startswith("extractive"):
        return Kind.MARKED if MARK in whole else Kind.UNMARKED
    return Kind.OTHER


def faults_of(
    asked: Sequence[Asked], replies: Sequence[int], *, seconds: float, may_be: Sequence[Kind]
) -> list[str]:
    """Judge a crowd's questions: what is wrong, in words; nothing is what is promised."""
    wrong = []
    for one, count in zip(asked, replies, strict=True):
        if count != 1:
            wrong.append(f"{count} replies to {one}")
        if one.kind not in may_be:
            wrong.append(f"not {' or '.join(may_be)}: {one}")
        if one.seconds is None or one.seconds > seconds:
            wrong.append(f"too late: {one}")
    return wrong


def tally(asked: Sequence[Asked]) -> str:
    """Say what became of questions in a few words."""
    kinds = Counter(str(one.kind) for one in asked)
    times = [one.seconds for one in asked if one.seconds is not None]
    longest = f"longest {max(times):.1f} s" if times else "none answered"
    return f"{', '.join(f'{count} {kind}' for kind, count in kinds.items())}; {longest}"
