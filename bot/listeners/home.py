"""The Home tab: opened → published; the questions on its buttons → the inbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import home_texts
from bot.escaping import escape, escape_entities
from bot.home import AGAIN_ACTION, ASK_ACTION, MAX_VALUE_CHARS
from bot.home_actions import Person
from bot.home_pages import HomePages
from bot.splitting import cut
from bot.tasks import Inquiry, Surface, Task

from .clicks import who
from .incoming import question_text

MAX_REPEATED_CHARS = 200

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HomeClick:
    """One press of a button in the Home or in a form; place is "home", "modal" or ""."""

    action_id: str
    value: str
    person: Person
    trigger_id: str
    place: str
    view: Mapping[str, Any]

    @property
    def is_in_home(self) -> bool:
        """Whether it was in the Home, and not in a message or a form."""
        return self.place == "home"

    @property
    def question(self) -> str:
        """The question that the button asks, "" where it carries none that can be asked."""
        asked = question_text(escape_entities(self.value))
        return asked if len(self.value) <= MAX_VALUE_CHARS else ""


def read_home_click(body: Mapping[str, Any]) -> HomeClick | None:
    """Read the press of a button; None for all other payloads."""
    actions = body.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    if body.get("type") != "block_actions" or not isinstance(action, Mapping):
        return None
    view = body.get("view")
    view = view if isinstance(view, Mapping) else {}
    return HomeClick(
        action_id=_text(action, "action_id"),
        value=_text(action, "value"),
        person=Person(*who(body)),
        trigger_id=_text(body, "trigger_id"),
        place=_text(view, "type"),
        view=view,
    )


def read(body: Body) -> Task | None:
    """Read a question that was asked with a button of the Home; None for all else."""
    click = read_home_click(body)
    if click is None or click.action_id not in (ASK_ACTION, AGAIN_ACTION):
        return None
    if not (click.is_in_home and click.question and click.trigger_id and click.person.user):
        return None
    inquiry = Inquiry(
        key=f"action {click.trigger_id}",
        text=click.question,
        surface=Surface.HOME,
        team=click.person.team,
        user=click.person.user,
        channel="",
    )
    return inquiry.to_task()


def register(app: AsyncApp, pages: HomePages) -> None:
    """Listen to people opening the Home, and to the questions there."""

    @app.event("app_home_opened")
    async def show_home(event: dict[str, Any]) -> None:
        if event.get("tab") == "home":
            await pages.publish(_text(event, "user"))

    async def say_where_the_answer_will_be(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = read_home_click(body)
        if click is None or not click.person.user:
            return
        told = home_texts.UNREADABLE_QUESTION
        if read(body) is not None:
            told = home_texts.looking_up(cut(escape(click.question), MAX_REPEATED_CHARS))
        await pages.publish(click.person.user, told=told)

    app.action(ASK_ACTION)(say_where_the_answer_will_be)
    app.action(AGAIN_ACTION)(say_where_the_answer_will_be)


def _text(whole: Mapping[str, Any], name: str) -> str:
    text = whole.get(name)
    return text if isinstance(text, str) else ""
