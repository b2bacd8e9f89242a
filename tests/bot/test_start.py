"""Start and end: bad tokens fail at once and clearly, stopping lets nobody wait in silence."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app import check_tokens, open_client
from bot.config import SlackConfig
from bot.simulator.server import Simulator
from bot.socket import Backoff
from core.errors import BotError, SettingsError

from .conftest import MANIFEST, Bench, Starter, is_bot, settings_for


async def test_good_tokens_tell_who_the_bot_is(sim: Simulator, tmp_path: Path) -> None:
    slack = settings_for(sim, tmp_path)
    async with open_client(slack) as client:
        identity = await check_tokens(client, slack)
    assert identity.bot_user_id == sim.bot_user_id


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


async def test_app_token_of_another_kind(sim: Simulator, start: Starter) -> None:
    with pytest.raises(SettingsError, match=r"SLACK_APP_TOKEN: This is another kind of token\."):
        await start(app_token=sim.bot_token)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("account_inactive", "The app was removed from the workspace"),
        ("token_revoked", "The token was revoked"),
        ("org_login_required", "Slack refused it with org_login_required"),
    ],
)
async def test_refusals_are_explained(
    sim: Simulator, start: Starter, code: str, sentence: str
) -> None:
    await sim.fault("api_error", method="auth.test", error=code)
    with pytest.raises(SettingsError, match=f"SLACK_BOT_TOKEN: {sentence}"):
        await start()


async def test_missing_scopes_are_named(tmp_path: Path) -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    manifest["oauth_config"]["scopes"]["bot"] = ["chat:write", "commands", "app_mentions:read"]
    path = tmp_path / "manifest.yml"
    path.write_text(yaml.safe_dump(manifest))
    async with await Simulator.start(path) as sim:
        slack = settings_for(sim, tmp_path)
        async with open_client(slack) as client:
            with pytest.raises(SettingsError, match="lacks the scopes im:history, channels:hist"):
                await check_tokens(client, slack)


async def test_unreachable_slack_is_no_settings_error(sim: Simulator, tmp_path: Path) -> None:
    slack = SlackConfig(bot_token="xoxb-1", app_token="xapp-1", api_url="http://127.0.0.1:1/api/")
    async with open_client(slack) as client:
        with pytest.raises(BotError, match="Slack does not answer at http://127") as caught:
            await check_tokens(client, slack)
    assert not isinstance(caught.value, SettingsError)


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
async def test_stopping_tells_those_whose_answer_does_not_come(bench: Bench) -> None:
    bench.asker.gate.clear()
    bench.rebuilder.gate.clear()
    root = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot track time")
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await bench.sim.wait_for(lambda: bench.asker.running and bench.rebuilder.builds)
    bench.stop.set()
    started = time.perf_counter()
    await asyncio.wait_for(bench.serving, 6.0)
    assert time.perf_counter() - started < 4.5
    replies = [m for m in bench.sim.messages("C0GEN", root) if is_bot(m)]
    assert [m["text"] for m in replies] == [
        "I was restarted before I could answer. Please ask me again."
    ]
    (told,) = bench.directs("U0ADA")
    assert told["text"].startswith("*I was restarted before the rebuild ended.*")
    assert "The knowledge from before is still in use." in told["text"]
    assert bench.audit()[-1]["outcome"] == "interrupted"
    assert not bench.slack.audit_file.with_name("rebuild-message.json").exists()


@pytest.mark.proof
async def test_a_refused_handshake_after_a_refresh_is_survived(bench: Bench) -> None:
    await bench.sim.fault("refuse_handshake")
    await bench.sim.fault("refresh")
    await bench.sim.wait_for(lambda: not bench.sim.is_connected)
    await bench.sim.wait_connected(15.0)
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")


@pytest.mark.proof
async def test_too_many_sockets_do_not_make_a_storm(bench: Bench) -> None:
    before = len(bench.sim.calls("apps.connections.open"))
    await bench.sim.fault("too_many_websockets", times=2)
    await bench.sim.fault("refresh")
    await bench.sim.wait_for(lambda: len(bench.sim.calls("apps.connections.open")) >= before + 3)
    await bench.sim.wait_connected(10.0)
    assert len(bench.sim.calls("apps.connections.open")) <= before + 4


def test_back_off_grows_to_a_minute_and_is_nothing_when_calm() -> None:
    backoff = Backoff()
    assert backoff.seconds() == 0.0
    longest = []
    for _ in range(9):
        backoff.refuse()
        longest.append(max(backoff.seconds() for _ in range(200)))
    assert [round(seconds) for seconds in longest[:6]] == [1, 2, 4, 8, 16, 32]
    assert max(longest) <= 60.0
