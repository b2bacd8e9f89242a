"""The form that a thumbs-down opens, as a view for Slack, and read back. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import answer_texts
from .message import Block

REASON_FORM = "feedback_reason"
REASON, COMMENT = "reason", "comment"  # both the block_id and the action_id of its element
MAX_COMMENT_CHARS = 500


@dataclass(frozen=True, slots=True)
class Occasion:
    """The vote that a form is about, which the form carries."""

    answer_id: str
    surface: str
    generation: str
    response_url: str
    thread_ts: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody chose and wrote; occasion is as Slack gives it back, perhaps altered."""

    occasion: Occasion
    reason: str
    comment: str


def reason_view(occasion: Occasion) -> Block:
    """Ask why an answer is not helpful."""
    options = [
        {"text": _plain(said), "value": reason} for reason, said in answer_texts.REASONS.items()
    ]
    comment: Block = {"type": "plain_text_input", "multiline": True}
    comment |= {"action_id": COMMENT, "max_length": MAX_COMMENT_CHARS}
    return {
        "type": "modal",
        "callback_id": REASON_FORM,
        "private_metadata": json.dumps(asdict(occasion)),
        "title": _plain(answer_texts.REASON_TITLE),
        "submit": _plain(answer_texts.REASON_SEND),
        "close": _plain(answer_texts.REASON_SKIP),
        "blocks": [
            {
                "type": "input",
                "block_id": REASON,
                "label": _plain(answer_texts.REASON_LABEL),
                "element": {"type": "radio_buttons", "action_id": REASON, "options": options},
            },
            {
                "type": "input",
                "block_id": COMMENT,
                "label": _plain(answer_texts.COMMENT_LABEL),
                "hint": _plain(answer_texts.COMMENT_HINT),
                "optional": True,
                "element": comment,
            },
        ],
    }


def filled(view: Mapping[str, Any]) -> Filled | None:
    """Read a submission; None for one that this form cannot give."""
    try:
        occasion = Occasion(**json.loads(view["private_metadata"]))
        values = view["state"]["values"]
        reason = values[REASON][REASON]["selected_option"]["value"]
        comment = (values.get(COMMENT, {}).get(COMMENT, {}).get("value") or "").strip()
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    is_ours = all(isinstance(value, str) for value in asdict(occasion).values())
    if not is_ours or reason not in answer_texts.REASONS or len(comment) > MAX_COMMENT_CHARS:
        return None
    return Filled(occasion, reason, comment)


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
