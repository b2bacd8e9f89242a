"""app_home_opened → the Home tab: what the bot does, how to ask, which knowledge it has."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.blocks import home_view
from bot.desk import Desk


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to people opening the app; the Messages tab needs nothing."""

    @app.event("app_home_opened")
    async def show_home(event: dict[str, Any]) -> None:
        if event.get("tab") == "home":
            view = home_view(desk.generation)
            await app.client.views_publish(user_id=event["user"], view=view)
