"""Modals: buttons that open one, and what is filled in → a question or feedback for the inbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import form_texts, texts
from bot.blocks import FOLLOW_UP_ACTION, PRIVATE, REPHRASE_ACTION, plain_message
from bot.conversations import Conversation, Conversations
from bot.database import StorageError
from bot.forms import (
    ASK_FORM,
    FEEDBACK_FORM,
    FOLLOW_UP_FORM,
    QUESTION_BLOCK,
    QUESTION_FORMS,
    Filled,
    feedback_of,
    feedback_problems,
    follow_up_view,
    question_problems,
    rephrase_view,
    told_view,
    typed,
)
from bot.markup import escape
from bot.message import Block, Message
from bot.response_url import ResponseUrl
from bot.seal import Origin, Seal
from bot.slack_failures import FAILURES, reason
from bot.tasks import Inquiry, Surface, Task, TaskKind

from .clicks import DIRECT_CHANNEL, Click, read_click, who
from .incoming import question_text

logger = logging.getLogger(__name__)

MAX_REPEATED_CHARS = 200

Body = dict[str, Any]


def reader(seal: Seal) -> Callable[[Body], Task | None]:
    """Make the reader of submissions; what has to be corrected first is no task yet."""

    def read(body: Body) -> Task | None:
        form = _submitted(body)
        if not form:
            return None
        if form == FEEDBACK_FORM:
            filled = feedback_of(body["view"])
            user, _ = who(body)
            return None if feedback_problems(filled) else _feedback_task(_key(body), user, filled)
        return None if _problems(body, seal) else _inquiry(body, seal).to_task()

    return read


def register(app: AsyncApp, *, seal: Seal, conversations: Conversations) -> None:
    """Listen to the buttons that open a form, and to every form."""

    async def open_form(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = read_click(body)
        if click is None or not click.answer_id:
            logger.warning("a button that opens a form came with an unknown value")
            return
        known = await _known_to(click, conversations)
        view = _view_of(click, known, seal)
        if not await open_view(app.client, click.trigger_id, view):
            too_late = plain_message(form_texts.FORM_TOO_LATE)
            await ResponseUrl(app.client, click.response_url).say(too_late)

    app.action(FOLLOW_UP_ACTION)(open_form)
    app.action(REPHRASE_ACTION)(open_form)

    async def take_question(ack: AsyncAck, body: Body) -> None:
        problems = _problems(body, seal)
        if problems:
            await ack(response_action="errors", errors=problems)
        elif _submitted(body) == ASK_FORM:
            view = told_view(form_texts.ON_ITS_WAY_TITLE, form_texts.ON_ITS_WAY)
            await ack(response_action="update", view=view)
        else:
            await ack()
            await _say_searching(app.client, _inquiry(body, seal))

    for form in sorted(QUESTION_FORMS):
        app.view(form)(take_question)

    @app.view(FEEDBACK_FORM)
    async def take_feedback(ack: AsyncAck, body: Body) -> None:
        problems = feedback_problems(feedback_of(body["view"]))
        if problems:
            await ack(response_action="errors", errors=problems)
        else:
            view = told_view(form_texts.FEEDBACK_TITLE, form_texts.FEEDBACK_THANKS)
            await ack(response_action="update", view=view)


async def open_view(client: AsyncWebClient, trigger_id: str, view: Block) -> bool:
    """Show a modal; False when Slack does not let us, mostly because three seconds are over."""
    try:
        await client.views_open(trigger_id=trigger_id, view=view)
    except FAILURES as error:
        logger.warning("a form could not be opened: %s", reason(error))
        return False
    return True


def searching(question: str) -> Message:
    """Repeat a question that nobody else sees."""
    return plain_message(texts.searching(escape(question[:MAX_REPEATED_CHARS])))


async def _say_searching(client: AsyncWebClient, inquiry: Inquiry) -> None:
    """Say that something goes on, where nothing else shows it."""
    if inquiry.response_url:
        await ResponseUrl(client, inquiry.response_url).say(searching(inquiry.text))


def _view_of(click: Click, known: Conversation | None, seal: Seal) -> Block:
    """Make the form that a button opens; known is the reply that it stands under."""
    thread = click.thread or (known.thread if known is not None else "")
    origin = Origin(
        user=click.user,
        answer_id=click.answer_id,
        channel=click.channel,
        thread=thread,
        response_url=click.response_url,
        is_private=click.is_ephemeral,
    )
    sealed = seal.close(origin)
    if click.action_id == FOLLOW_UP_ACTION:
        return follow_up_view(sealed)
    earlier = known.question if known is not None else ""
    return rephrase_view(sealed, earlier, is_private=click.is_ephemeral)


async def _known_to(click: Click, conversations: Conversations) -> Conversation | None:
    """Find the reply, when the person may see it: it is theirs, or was given where they are."""
    try:
        found = await conversations.find(click.answer_id)
    except StorageError:
        logger.warning("an answer could not be looked up, so its form opens empty")
        return None
    if found is None or found.user == click.user:
        return found
    is_here = found.channel == click.channel and not click.is_ephemeral
    return found if is_here and Surface(found.surface) not in PRIVATE else None


def _submitted(body: Mapping[str, Any]) -> str:
    """Name the form of ours that was submitted, "" for all other payloads."""
    view = body.get("view")
    if body.get("type") != "view_submission" or not isinstance(view, Mapping):
        return ""
    name = view.get("callback_id")
    return str(name) if name in {*QUESTION_FORMS, FEEDBACK_FORM} else ""


def _problems(body: Body, seal: Seal) -> dict[str, str]:
    """Say by block what keeps a submission from being asked."""
    problems = question_problems(_question(body))
    if not problems and _submitted(body) != ASK_FORM and _origin(body, seal) is None:
        return {QUESTION_BLOCK: form_texts.UNREADABLE_FORM}
    return problems


def _inquiry(body: Body, seal: Seal) -> Inquiry:
    """Make the question; it is answered where the reply is that the form was opened from."""
    user, team = who(body)
    asked = Inquiry(
        key=_key(body), text=_question(body), surface=Surface.FORM, team=team, user=user, channel=""
    )
    origin = None if _submitted(body) == ASK_FORM else _origin(body, seal)
    if origin is None:
        return asked
    is_follow_up = _submitted(body) == FOLLOW_UP_FORM
    return replace(
        asked,
        surface=_surface(origin),
        channel=origin.channel,
        thread=origin.thread,
        response_url=origin.response_url if origin.is_private else "",
        continues=origin.answer_id if is_follow_up else "",
    )


def _surface(origin: Origin) -> Surface:
    if origin.is_private:
        return Surface.COMMAND
    return Surface.DIRECT if origin.channel.startswith(DIRECT_CHANNEL) else Surface.MENTION


def _origin(body: Body, seal: Seal) -> Origin | None:
    user, _ = who(body)
    return seal.open(str(body["view"].get("private_metadata") or ""), user)


def _question(body: Body) -> str:
    return question_text(typed(body["view"], QUESTION_BLOCK))


def _key(body: Body) -> str:
    view = body["view"]
    return f"view {view.get('id', '')} {view.get('hash', '')}"


def _feedback_task(key: str, user: str, filled: Filled) -> Task:
    body = {"answer_id": filled.answer_id, "reason": filled.reason, "comment": filled.comment}
    return Task(key, TaskKind.VOTE, user, "", body=body)
