"""A click on a thumb, and the reason for a thumbs-down → votes for the inbox; opens the form."""

from __future__ import annotations

import logging
import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.blocks import FEEDBACK_ACTION
from bot.config import USER_ID
from bot.feedback_form import REASON_FORM, Occasion, filled, reason_view
from bot.slack_failures import FAILURES, reason
from bot.tasks import Task, TaskKind

from .clicks import Click, read_click, who

logger = logging.getLogger(__name__)

ANSWER_ID = r"[0-9A-Za-z_-]{1,64}"
SURFACE = r"[a-z]{1,20}"
GENERATION = r"[0-9A-Za-z_.-]{0,64}"
DOWN = "down"
VALUE = re.compile(rf"({ANSWER_ID}):(up|{DOWN})")
BLOCK_ID = re.compile(rf"feedback:({SURFACE}):({GENERATION}):{ANSWER_ID}")
OCCASION = re.compile(rf"{ANSWER_ID} (?:{SURFACE})? {GENERATION}")

Body = dict[str, Any]


def read(body: Body) -> Task | None:
    """Read a thumb or a submitted reason; None for all else and for what no button of ours says."""
    if body.get("type") == "view_submission":
        return _read_reason(body)
    click = read_click(body)
    if click is None or click.action_id != FEEDBACK_ACTION or not USER_ID.fullmatch(click.user):
        return None
    occasion, vote = _pressed(body, click)
    if occasion is None:
        return None
    action_ts = body["actions"][0].get("action_ts", "")
    key = f"action {action_ts} {click.user} {occasion.answer_id}"
    return _task(key, click.user, click.channel, occasion, vote=vote)


def register(app: AsyncApp) -> None:
    """Acknowledge thumbs and forms; a thumbs-down opens a form while its trigger_id lives."""

    @app.action(FEEDBACK_ACTION)
    async def ask_why(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = read_click(body)
        occasion, vote = _pressed(body, click) if click is not None else (None, "")
        if click is None or occasion is None:
            logger.warning("a feedback button with an unknown value was clicked")
        elif vote == DOWN:
            try:
                await app.client.views_open(trigger_id=click.trigger_id, view=reason_view(occasion))
            except FAILURES as error:
                logger.warning("no form for a thumbs-down, its vote counts: %s", reason(error))

    @app.view(REASON_FORM)
    async def take_reason(ack: AsyncAck, body: Body) -> None:
        await ack()
        if read(body) is None:
            logger.warning("a reason for a thumbs-down could not be read")


def _read_reason(body: Body) -> Task | None:
    view = body.get("view")
    if not isinstance(view, dict) or view.get("callback_id") != REASON_FORM:
        return None
    form, (user, _) = filled(view), who(body)
    if form is None or not USER_ID.fullmatch(user):
        return None
    about = form.occasion
    if not OCCASION.fullmatch(f"{about.answer_id} {about.surface} {about.generation}"):
        return None
    key = f"view {view.get('id', '')} {user}"
    said = {"reason": form.reason, "comment": form.comment}
    return _task(key, user, "", about, vote=DOWN, **said)


def _pressed(body: Body, click: Click) -> tuple[Occasion | None, str]:
    """Give what a thumb is about and which it is; None for a value that is not ours."""
    value = VALUE.fullmatch(click.value)
    if value is None:
        return None, ""
    block = BLOCK_ID.fullmatch(str(body["actions"][0].get("block_id") or ""))
    surface, generation = block.groups() if block else ("", "")
    thread = "" if click.is_ephemeral else _shown_thread(body)
    return Occasion(value[1], surface, generation, click.response_url, thread), value[2]


def _shown_thread(body: Body) -> str:
    """Give the thread that the answer is in, "" when it is no reply."""
    message = body.get("message")
    thread = message.get("thread_ts") if isinstance(message, dict) else None
    return thread if isinstance(thread, str) else ""


def _task(key: str, user: str, channel: str, occasion: Occasion, **said: str) -> Task:
    body = {
        "answer_id": occasion.answer_id,
        "surface": occasion.surface,
        "generation": occasion.generation,
        "response_url": occasion.response_url,
        "thread_ts": occasion.thread_ts,
        **said,
    }
    return Task(key, TaskKind.VOTE, user, channel, body=body)
