"""What the same bot would be with the stock pieces: the twin that must fail the delivery proofs.

Bolt's own Socket Mode handler, the SDK's own retry handlers, the answer given in the listener.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient


async def serve_stock() -> None:
    """Answer mentions and direct messages until killed."""
    client = AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    app = AsyncApp(client=client, request_verification_enabled=False)

    async def answer(event: dict[str, Any], say: AsyncSay) -> None:
        if "bot_id" not in event:
            await asyncio.sleep(float(os.environ.get("SCRIPT_SECONDS", "0.02")))
            await say(text=f"The answer to: {event['text']}", thread_ts=event["ts"])

    app.event("app_mention")(answer)
    app.event("message")(answer)
    handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
    await handler.start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(serve_stock())
