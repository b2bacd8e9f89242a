"""The start: a bad token ends it at once and clearly, a network that fails is waited for."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from aiolimiter import AsyncLimiter

from bot.config import SlackConfig
from bot.patience import ConnectionGivenUp, SlackUnreachable, opening_limit
from bot.simulator.server import Simulator
from bot.startup import BAD_TOKEN, PASSING, Identity, check_tokens, open_client, wait_for_slack
from core.errors import SettingsError

from .conftest import MANIFEST
from .scripted_slack import ScriptedSlack
from .supervised import config_for

WHO = Identity("Acme", "T0SIM", "U0BOT", "B0BOT")
METHODS = {"SLACK_BOT_TOKEN": "auth.test", "SLACK_APP_TOKEN": "apps.connections.open"}


async def check(slack: SlackConfig) -> Identity:
    """Try once."""
    async with open_client(slack) as client:
        return await check_tokens(client, slack)


async def wait(slack: SlackConfig, *, patience_seconds: float = 5.0) -> Identity:
    """Try for a while, as fast as the back-off allows."""
    async with open_client(slack) as client:
        return await wait_for_slack(
            client, slack, AsyncLimiter(100, 1), patience_seconds=patience_seconds
        )


class Warnings(logging.Handler):
    """Collects what the tries say, and tells when there is something."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.first = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.first.set()


@pytest.fixture
def warnings() -> Iterator[Warnings]:
    """Listen to the tries."""
    handler, logger = Warnings(), logging.getLogger("bot.patience")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def free_port() -> int:
    """Give a port where nothing listens."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_good_tokens_tell_who_the_bot_is(sim: Simulator) -> None:
    assert (await check(config_for(sim))).bot_user_id == sim.bot_user_id


@pytest.mark.parametrize("name", METHODS)
async def test_each_rejection_ends_the_start_at_once_and_says_what_to_do(
    sim: Simulator, name: str
) -> None:
    for code in (*BAD_TOKEN, "org_login_required"):
        before = len(sim.calls(METHODS[name]))
        await sim.fault("api_error", method=METHODS[name], error=code, times=2)
        with pytest.raises(SettingsError) as caught:
            await wait(config_for(sim))
        sentence = BAD_TOKEN.get(code, f"Slack refused it with {code}.")
        assert (str(caught.value), caught.value.exit_code) == (f"{name}: {sentence}", 2)
        assert len(sim.calls(METHODS[name])) == before + 1
        await sim.fault("clear")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bot_token": "xoxb-wrong"}, "SLACK_BOT_TOKEN: Slack does not know this token."),
        ({"app_token": "xapp-wrong"}, "SLACK_APP_TOKEN: Slack does not know this token."),
        ({"app_token": "bot"}, "SLACK_APP_TOKEN: This is another kind of token."),
    ],
    ids=["bot token", "app token", "another kind"],
)
async def test_a_wrong_token_is_named(
    sim: Simulator, settings: dict[str, str], sentence: str
) -> None:
    settings = {name: sim.bot_token if it == "bot" else it for name, it in settings.items()}
    with pytest.raises(SettingsError) as caught:
        await wait(config_for(sim, **settings))
    assert str(caught.value).startswith(sentence)


async def test_missing_scopes_are_named(tmp_path: Path) -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    manifest["oauth_config"]["scopes"]["bot"] = ["chat:write", "commands", "app_mentions:read"]
    path = tmp_path / "manifest.yml"
    path.write_text(yaml.safe_dump(manifest))
    async with await Simulator.start(path) as sim:
        with pytest.raises(SettingsError, match="lacks the scopes im:history, channels:hist"):
            await wait(config_for(sim))


async def recover_from(slack: ScriptedSlack, *replies: web.Response) -> Identity:
    """Start while apps.connections.open answers like this first."""
    slack.open_replies.extend(replies)
    return await wait(config_for(slack))


async def test_what_may_pass_is_tried_again(warnings: Warnings) -> None:
    replies = {
        "internal_error": web.json_response({"ok": False, "error": "internal_error"}),
        "ratelimited": web.json_response({"ok": False, "error": "ratelimited"}, status=429),
        "invalid_auth": web.json_response({"ok": False, "error": "invalid_auth"}, status=503),
        "HTTP 502": web.Response(status=502, text="<html>", content_type="text/html"),
        "HTTP 500": web.Response(status=500, text="", content_type="application/json"),
        "HTTP 404": web.Response(status=404, text="not here"),
        "HTTP 200": web.Response(text="<html>log in", content_type="text/html"),
        "the reply is not Slack's": web.Response(text="log in"),
        "gave no address": web.json_response({"ok": True}),
    }
    slacks = [ScriptedSlack() for _ in replies]
    pairs = list(zip(slacks, replies.values(), strict=True))
    for slack in slacks:
        await slack.__aenter__()
    try:
        names = await asyncio.gather(*(recover_from(slack, reply) for slack, reply in pairs))
        told = {
            reason: [line for line in warnings.lines if slack.api_url in line]
            for slack, reason in zip(slacks, replies, strict=True)
        }
    finally:
        for slack in slacks:
            await slack.__aexit__(None, None, None)
    assert names == [WHO] * len(replies)
    assert [len(slack.opened) for slack in slacks] == [2] * len(replies)
    for reason, lines in told.items():  # one warning a try, with address and reason
        assert [f": {reason}" in line or f"{reason}." in line for line in lines] == [True]
        assert "Check the network, the proxy and SLACK_API_URL. Trying again." in lines[0]
    assert {"internal_error", "ratelimited"} <= PASSING


@pytest.mark.proof
async def test_retry_after_is_obeyed() -> None:
    async with ScriptedSlack() as slack:
        headers = {"Retry-After": "1.5"}
        limited = web.json_response(
            {"ok": False, "error": "ratelimited"}, status=429, headers=headers
        )
        assert await recover_from(slack, limited) == WHO
        first, second = slack.opened
        assert second - first >= 1.5


async def test_a_slack_that_comes_up_later_is_waited_for(warnings: Warnings) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/api/"
    config = SlackConfig(bot_token="xoxb-1", app_token="xapp-1", api_url=url)
    starting = asyncio.create_task(wait(config))
    await asyncio.wait_for(warnings.first.wait(), 5)
    async with ScriptedSlack(port):
        assert await starting == WHO
    assert warnings.lines[0].startswith(f"Slack does not answer at {url}: Client")


@pytest.mark.parametrize("host", ["127.0.0.1:1", "hangs"])
async def test_a_slack_that_never_answers_is_given_up_with_75(host: str) -> None:
    async with ScriptedSlack() as slack:
        slack.has_opening.clear()
        url = slack.api_url if host == "hangs" else f"http://{host}/api/"
        started = time.monotonic()
        with pytest.raises(ConnectionGivenUp) as caught:
            await wait(config_for(slack, api_url=url), patience_seconds=0.2)
        assert time.monotonic() - started < 2.0
        slack.has_opening.set()
    assert caught.value.exit_code == 75
    reason = "no reply yet" if host == "hangs" else f"Slack does not answer at {url}: "
    assert str(caught.value).startswith(f"No connection to Slack for 0 s: {reason}")


async def test_one_check_alone_does_not_try_again() -> None:
    config = SlackConfig(bot_token="xoxb-1", app_token="xapp-1", api_url="http://127.0.0.1:1/api/")
    with pytest.raises(SlackUnreachable, match="Slack does not answer at http://127") as caught:
        await check(config)
    assert caught.value.exit_code == 1


@pytest.mark.proof
async def test_the_tries_go_through_the_limit() -> None:
    async with ScriptedSlack() as slack:
        limit = AsyncLimiter(1, 3600)
        slack.open_replies.append(web.json_response({"ok": False, "error": "internal_error"}))
        config = config_for(slack)
        async with open_client(config) as client:
            with pytest.raises(ConnectionGivenUp, match="internal_error"):
                await wait_for_slack(client, config, limit, patience_seconds=1.2)
        assert len(slack.opened) == 1
    assert opening_limit().has_capacity()


async def test_a_local_slack_is_reached_without_the_proxy(
    monkeypatch: pytest.MonkeyPatch, sim: Simulator
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await wait(config_for(sim))).bot_user_id == sim.bot_user_id
