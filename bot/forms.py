"""The modals as views for Slack, and what somebody filled in, read back. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import form_texts
from .answer_texts import REASONS
from .blocks import section
from .message import Block
from .remembered import Conversation

ASK_FORM = "ask_form"
FOLLOW_UP_FORM = "follow_up"
REPHRASE_FORM = "rephrase"
FEEDBACK_FORM = "feedback_form"
QUESTION_FORMS = frozenset({ASK_FORM, FOLLOW_UP_FORM, REPHRASE_FORM})

QUESTION_BLOCK = "question"
ANSWER_BLOCK, REASON_BLOCK, COMMENT_BLOCK = "answer", "reason", "comment"
INPUT = "input"  # the action_id of each block's one element

GENERAL = "general"  # feedback about no answer
MAX_TYPED_CHARS = 2_000
MAX_OPTION_CHARS = 75
MAX_RECENT = 5


def ask_view() -> Block:
    """Ask for a question that is answered in a direct message."""
    question = _question(form_texts.ASK_PLACEHOLDER, form_texts.ASK_HINT)
    return _modal(ASK_FORM, form_texts.ASK_TITLE, [question])


def follow_up_view(sealed: str) -> Block:
    """Ask what somebody wants to know on top of a private answer."""
    question = _question(form_texts.FOLLOW_UP_PLACEHOLDER, form_texts.FOLLOW_UP_HINT)
    return _modal(FOLLOW_UP_FORM, form_texts.FOLLOW_UP_TITLE, [question], sealed=sealed)


def rephrase_view(sealed: str, earlier: str, *, is_private: bool) -> Block:
    """Ask for a refused question in other words; earlier is how it was put, "" when forgotten."""
    hint = form_texts.REPHRASE_HINT_PRIVATE if is_private else form_texts.REPHRASE_HINT_THREAD
    question = _question(form_texts.ASK_PLACEHOLDER, hint, earlier[:MAX_TYPED_CHARS])
    return _modal(REPHRASE_FORM, form_texts.REPHRASE_TITLE, [question], sealed=sealed)


def feedback_view(recent: Sequence[Conversation]) -> Block:
    """Ask what was wrong; recent is what the person asked, newest first."""
    answers = [_option(found.question, found.answer_id) for found in recent[:MAX_RECENT]]
    answers.append(_option(form_texts.FEEDBACK_ELSE, GENERAL))
    reasons = [_option(said, reason) for reason, said in REASONS.items()]
    about = _select(ANSWER_BLOCK, form_texts.FEEDBACK_ANSWER_LABEL, answers)
    about["element"]["initial_option"] = answers[0]
    blocks = [
        about,
        _select(REASON_BLOCK, form_texts.FEEDBACK_REASON_LABEL, reasons) | {"optional": True},
        _input(
            COMMENT_BLOCK,
            form_texts.FEEDBACK_TEXT_LABEL,
            {"type": "plain_text_input", "multiline": True},
            hint=form_texts.FEEDBACK_TEXT_HINT,
        )
        | {"optional": True},
    ]
    title, submit = form_texts.FEEDBACK_TITLE, form_texts.FEEDBACK_SUBMIT
    return _modal(FEEDBACK_FORM, title, blocks, submit=submit)


def told_view(title: str, mrkdwn: str) -> Block:
    """Say something in place of a form that was taken."""
    return {
        "type": "modal",
        "title": _plain(title),
        "close": _plain(form_texts.CLOSE),
        "blocks": [section(mrkdwn)],
    }


def typed(view: Mapping[str, Any], block: str) -> str:
    """Give the text of an input, "" where there is none."""
    value = _element(view, block).get("value")
    return value.strip() if isinstance(value, str) else ""


def chosen(view: Mapping[str, Any], block: str) -> str:
    """Give the value of the chosen option, "" where there is none."""
    option = _element(view, block).get("selected_option")
    value = option.get("value") if isinstance(option, Mapping) else None
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a feedback form says; reason is a key of answer_texts.REASONS or ""."""

    answer_id: str
    reason: str
    comment: str


def feedback_of(view: Mapping[str, Any]) -> Filled:
    """Read a feedback form; what it did not offer counts as not chosen."""
    reason = chosen(view, REASON_BLOCK)
    return Filled(
        chosen(view, ANSWER_BLOCK) or GENERAL,
        reason if reason in REASONS else "",
        typed(view, COMMENT_BLOCK),
    )


def feedback_problems(filled: Filled) -> dict[str, str]:
    """Say by block what keeps a feedback form from being taken."""
    if len(filled.comment) > MAX_TYPED_CHARS:
        return {COMMENT_BLOCK: form_texts.too_long(len(filled.comment), MAX_TYPED_CHARS)}
    if not filled.comment and not filled.reason:
        return {COMMENT_BLOCK: form_texts.EMPTY_FEEDBACK}
    return {}


def question_problems(question: str) -> dict[str, str]:
    """Say by block what keeps a question from being asked."""
    if not question:
        return {QUESTION_BLOCK: form_texts.EMPTY_QUESTION}
    if len(question) > MAX_TYPED_CHARS:
        return {QUESTION_BLOCK: form_texts.too_long(len(question), MAX_TYPED_CHARS)}
    return {}


def _element(view: Mapping[str, Any], block: str) -> Mapping[str, Any]:
    found: Any = view
    for name in ("state", "values", block, INPUT):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _modal(
    callback_id: str,
    title: str,
    blocks: Sequence[Block],
    *,
    sealed: str = "",
    submit: str = form_texts.ASK_SUBMIT,
) -> Block:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": sealed,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain(form_texts.CANCEL),
        "blocks": list(blocks),
    }


def _question(placeholder: str, hint: str, earlier: str = "") -> Block:
    element: Block = {"type": "plain_text_input", "multiline": True}
    element |= {"placeholder": _plain(placeholder), "focus_on_load": True}
    element |= {"initial_value": earlier} if earlier else {}
    return _input(QUESTION_BLOCK, form_texts.ASK_LABEL, element, hint=hint)


def _select(block: str, label: str, options: Sequence[Block]) -> Block:
    return _input(block, label, {"type": "static_select", "options": list(options)})


def _input(block: str, label: str, element: Block, *, hint: str = "") -> Block:
    return {
        "type": "input",
        "block_id": block,
        "label": _plain(label),
        "element": element | {"action_id": INPUT},
        **({"hint": _plain(hint)} if hint else {}),
    }


def _option(text: str, value: str) -> Block:
    shown = text if len(text) <= MAX_OPTION_CHARS else f"{text[: MAX_OPTION_CHARS - 1]}…"
    return {"text": _plain(shown or "…"), "value": value}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
