"""python -m bot.simulator prints where it is, and stops when it is told to."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient


async def test_the_process_serves_until_it_is_interrupted(manifest: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.simulator", "--manifest", str(manifest), "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(4)]
    assert lines[0].startswith("Local Slack: http://127.0.0.1:")
    printed = dict(line.split("=", 1) for line in lines[1:])
    client = AsyncWebClient(printed["SLACK_BOT_TOKEN"], base_url=printed["SLACK_API_URL"])
    assert (await client.auth_test())["user_id"] == "U0BOT"
    await client.apps_connections_open(app_token=printed["SLACK_APP_TOKEN"])
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
