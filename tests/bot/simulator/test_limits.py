"""Rate limits as Slack has them: by method and workspace, chat.postMessage by channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator.server import Simulator

from .conftest import QUICK, Time

Arguments = dict[str, Any]


@pytest_asyncio.fixture
async def limited(manifest: Path, clock: Time) -> AsyncIterator[Simulator]:
    """A simulator that keeps the limits, with a clock that stands still."""
    async with await Simulator.start(
        manifest, clock=clock, pace=QUICK, has_rate_limits=True, extra_users=30
    ) as simulator:
        yield simulator


async def passing(client: AsyncWebClient, method: str, calls: list[Arguments]) -> int:
    """Make calls until one is limited; gives how many passed."""
    for number, arguments in enumerate(calls):
        try:
            await client.api_call(method, params=arguments)
        except SlackApiError as error:
            if int(error.response.headers.get("Retry-After", 0)) >= 1:
                return number
    return len(calls)


@pytest.mark.parametrize(
    ("method", "arguments", "per_minute"),
    [
        ("chat.startStream", {"channel": "D0ANN"}, 20),
        ("chat.appendStream", {"channel": "D0ANN", "ts": "1.1"}, 100),
        ("chat.stopStream", {"channel": "D0ANN", "ts": "1.1"}, 20),
        ("chat.update", {"channel": "C0GEN", "ts": "1.1", "text": "hi"}, 50),
        ("chat.delete", {"channel": "C0GEN", "ts": "1.1"}, 50),
        ("chat.postEphemeral", {"channel": "C0GEN", "user": "U0NIL", "text": "hi"}, 100),
        ("conversations.replies", {"channel": "C0GEN", "ts": "1.1"}, 50),
        ("conversations.history", {"channel": "C0GEN"}, 50),
        ("conversations.info", {"channel": "C0GEN"}, 50),
        ("conversations.list", {}, 20),
        ("users.info", {"user": "U0ANN"}, 100),
        ("users.list", {}, 20),
        ("views.publish", {"user_id": "U0NIL"}, 100),
        ("reactions.add", {"channel": "C0GEN", "timestamp": "1.1", "name": "eyes"}, 50),
        ("chat.postMessage", {"channel": "C0GEN", "text": "hi"}, 5),
    ],
)
async def test_each_method_has_its_tier(
    limited: Simulator, method: str, arguments: Arguments, per_minute: int
) -> None:
    client = AsyncWebClient(token=limited.bot_token, base_url=limited.api_url)
    assert await passing(client, method, [arguments] * 110) == per_minute


async def test_streams_are_limited_over_all_conversations(limited: Simulator) -> None:
    client = AsyncWebClient(token=limited.bot_token, base_url=limited.api_url)
    calls = []
    for number in range(1, 31):
        root = await limited.post(f"U0X{number:03}", f"D0X{number:03}", "how?")
        calls.append({"channel": f"D0X{number:03}", "thread_ts": root})
    assert await passing(client, "chat.startStream", calls) == 20


async def test_posts_are_limited_for_each_channel(limited: Simulator, clock: Time) -> None:
    client = AsyncWebClient(token=limited.bot_token, base_url=limited.api_url)
    channels = ("C0GEN", "C0RND", "D0ANN")
    for channel in channels:
        calls = [{"channel": channel, "text": "hi"}] * 10
        assert await passing(client, "chat.postMessage", calls) == 5
    clock.seconds += 2
    for channel in channels:
        calls = [{"channel": channel, "text": "hi"}] * 10
        assert await passing(client, "chat.postMessage", calls) == 2
