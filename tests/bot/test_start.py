"""Start and end: bad tokens fail at once and clearly, stopping lets nobody wait in silence."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from core.errors import SettingsError

from .conftest import Bench, Starter, is_bot


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bot_token": "xoxb-wrong"}, r"SLACK_BOT_TOKEN: Slack does not know this token\."),
        ({"app_token": "xapp-wrong"}, r"SLACK_APP_TOKEN: Slack does not know this token\."),
    ],
    ids=["bot token", "app token"],
)
async def test_wrong_token_ends_the_start(
    start: Starter, settings: dict[str, Any], sentence: str
) -> None:
    started = time.perf_counter()
    with pytest.raises(SettingsError, match=sentence):
        await start(**settings)
    assert time.perf_counter() - started < 2.0


async def test_a_proxy_in_the_environment_is_not_used_for_the_local_slack(
    monkeypatch: pytest.MonkeyPatch, start: Starter
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    bench = await start()
    reply = await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    assert reply["text"].startswith("Press the start button")


async def test_stopping_finishes_what_is_in_hand(bench: Bench) -> None:
    bench.asker.gate.clear()
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.sim.wait_for(lambda: bench.asker.running == 1)
    bench.stop.set()
    await bench.sim.wait_for(lambda: not bench.sim.is_connected)
    bench.asker.gate.set()
    await asyncio.wait_for(bench.serving, 4.0)
    replies = [m for m in bench.sim.messages("C0GEN", root) if is_bot(m)]
    assert [m["text"].split(".")[0] for m in replies] == ["Press the start button of the timer"]


@pytest.mark.proof
async def test_stopping_ends_in_time_and_keeps_what_is_not_answered(bench: Bench) -> None:
    bench.asker.gate.clear()
    bench.rebuilder.gate.clear()
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await bench.sim.wait_for(lambda: bench.asker.running and bench.rebuilder.builds)
    bench.stop.set()
    started = time.perf_counter()
    await asyncio.wait_for(bench.serving, 13.0)
    assert 7.0 < time.perf_counter() - started < 12.0
    assert bench.replies("C0GEN", root) == []
    assert bench.asker.running == 0
    (told,) = bench.directs("U0ADA")
    assert told["text"].startswith("*I was restarted before the rebuild ended.*")
    assert "The knowledge from before is still in use." in told["text"]
    assert bench.audit()[-1]["outcome"] == "interrupted"
    assert not bench.slack.audit_file.with_name("rebuild-message.json").exists()
