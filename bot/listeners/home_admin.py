"""The admins' buttons in the Home, and the form for a channel's settings → the inbox.

Slack shows the buttons to admins alone. That is no protection: each deed checks who it is.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import home_texts
from bot.background import Background
from bot.blocks import plain_message
from bot.channel_form import CHANNEL_ACTION, CHANNEL_FORM, chosen_channel, read_wish
from bot.channel_settings import SUBCOMMAND, SettingsChange
from bot.forms import told_view
from bot.home import CHANNELS_ACTION, GAPS_ACTION, REBUILD_ACTION
from bot.home_actions import HomeActions, Person
from bot.home_pages import HomePages
from bot.message import Block
from bot.slack_failures import FAILURES, reason
from bot.tasks import Task

from .clicks import who
from .direct import DirectMessage
from .home import Body, HomeClick, read_home_click
from .replies import Replies

logger = logging.getLogger(__name__)

NOT_HERE = "not from the Home"  # in the audit
UNREADABLE = "unreadable"
UNKNOWN = "unknown"
OURS = re.compile(r"(home|channel)_[\s\S]*")


def read(body: Body) -> Task | None:
    """Read settings that were sent; None for all else."""
    change = _change(body)
    return None if change is None else change.to_task()


def register(
    app: AsyncApp,
    pages: HomePages,
    actions: HomeActions,
    background: Background,
    replies: Replies,
) -> None:
    """Listen to the buttons and the form; what looks like them and is none is recorded."""
    _register_buttons(app, pages, actions, background, replies)
    _register_form(app, actions)

    async def record_unknown(ack: AsyncAck, body: Body) -> None:
        await ack()
        await actions.record(Person(*who(body)), UNKNOWN, NOT_HERE)

    app.action(OURS)(record_unknown)  # last: Bolt asks the listeners in this order
    app.view(OURS)(record_unknown)


def _register_buttons(
    app: AsyncApp,
    pages: HomePages,
    actions: HomeActions,
    background: Background,
    replies: Replies,
) -> None:
    @app.action(REBUILD_ACTION)
    async def rebuild(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = await _in_home(body, actions)
        if click is not None:
            background.spawn(_rebuild(click.person, pages, actions, replies))

    @app.action(GAPS_ACTION)
    async def show_gaps(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = await _in_home(body, actions)
        if click is not None:
            made = actions.gaps_view(click.person)
            await _open(app.client, click, home_texts.GAPS_TITLE, made, pages)

    @app.action(CHANNELS_ACTION)
    async def show_channels(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = await _in_home(body, actions)
        if click is not None:
            made = actions.channels_view(click.person)
            await _open(app.client, click, home_texts.CHANNEL_TITLE, made, pages)


def _register_form(app: AsyncApp, actions: HomeActions) -> None:
    @app.action(CHANNEL_ACTION)
    async def choose_channel(ack: AsyncAck, body: Body) -> None:
        await ack()
        click = read_home_click(body)
        is_in_form = click is not None and click.view.get("callback_id") == CHANNEL_FORM
        if click is None or not is_in_form or not click.person.user:
            await actions.record(Person(*who(body)), SUBCOMMAND, NOT_HERE)
            return
        view = await actions.channels_view(click.person, chosen_channel(click.view))
        await _update(app.client, str(click.view.get("id")), view, str(click.view.get("hash")))

    @app.view(CHANNEL_FORM)
    async def take_settings(ack: AsyncAck, body: Body) -> None:
        is_taken = _change(body) is not None
        if not is_taken:
            await actions.record(Person(*who(body)), SUBCOMMAND, UNREADABLE)
        told = home_texts.CHANNEL_ON_ITS_WAY if is_taken else home_texts.CHANNEL_UNREADABLE
        await ack(response_action="update", view=told_view(home_texts.CHANNEL_TITLE, told))


def _change(body: Body) -> SettingsChange | None:
    view = body.get("view")
    if body.get("type") != "view_submission" or not isinstance(view, dict):
        return None
    user, team = who(body)
    wish = read_wish(view) if view.get("callback_id") == CHANNEL_FORM else None
    if wish is None or not user or not view.get("id"):
        return None
    return SettingsChange(f"view {view['id']} {view.get('hash', '')}", user, team, wish)


async def _in_home(body: Body, actions: HomeActions) -> HomeClick | None:
    """Read a click in the Home; one that came from elsewhere is recorded and does nothing."""
    click = read_home_click(body)
    if click is not None and click.is_in_home and click.person.user:
        return click
    name = click.action_id if click is not None else UNKNOWN
    await actions.record(Person(*who(body)), name, NOT_HERE)
    return None


async def _rebuild(
    person: Person, pages: HomePages, actions: HomeActions, replies: Replies
) -> None:
    """Rebuild, and say in the Home what came of the click; else in a direct message."""
    told = await actions.rebuild(person, DirectMessage(replies, person.user))
    if not await pages.publish(person.user, told=told):
        await DirectMessage(replies, person.user).finish(plain_message(told))


async def _open(
    client: AsyncWebClient,
    click: HomeClick,
    title: str,
    made: Coroutine[Any, Any, Block],
    pages: HomePages,
) -> None:
    """Open a modal at once, for Slack allows it for three seconds, and fill it when it is made."""
    opening = _open_loading(client, click.trigger_id, title)
    view_id, view = await asyncio.gather(opening, made)
    if view_id:
        await _update(client, view_id, view)
    else:
        await pages.publish(click.person.user, told=home_texts.TOO_LATE)


async def _open_loading(client: AsyncWebClient, trigger_id: str, title: str) -> str:
    """Open it and give its id, "" when Slack does not let us."""
    try:
        opened = await client.views_open(
            trigger_id=trigger_id, view=told_view(title, home_texts.LOADING)
        )
    except FAILURES as error:
        logger.warning("a form could not be opened: %s", reason(error))
        return ""
    view: dict[str, Any] = opened.get("view") or {}
    return str(view.get("id") or "")


async def _update(client: AsyncWebClient, view_id: str, view: Block, hash: str = "") -> None:
    """Replace what a modal shows; one that was closed or changed meanwhile is left alone."""
    try:
        await client.views_update(view_id=view_id, hash=hash or None, view=view)
    except FAILURES as error:
        logger.warning("a form could not be filled: %s", reason(error))
