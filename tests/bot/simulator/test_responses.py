"""response_url: what a reply may do, how often and for how long."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bot.simulator.server import Simulator

from .conftest import Time


async def send(url: str, body: Any) -> tuple[int, str]:
    """Post to a response_url; give status and text."""
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return response.status, await response.text()


async def test_a_reply_is_for_the_user_unless_it_says_otherwise(sim: Simulator) -> None:
    root = await sim.post("U0ANN", "C0GEN", "root")
    url = sim.site.responses.issue("C0GEN", "U0ANN")
    assert await send(url, {"text": "for Ann"}) == (200, "ok")
    assert await send(url, {"text": "for all", "response_type": "in_channel"}) == (200, "ok")
    threaded = {"text": "below", "response_type": "in_channel", "thread_ts": root}
    assert await send(url, threaded) == (200, "ok")
    assert [message["text"] for message in sim.messages("C0GEN")] == ["root", "for all"]
    assert [message["text"] for message in sim.messages("C0GEN", root)] == ["root", "below"]
    assert len(sim.messages("C0GEN", viewer="U0ANN")) == 3
    assert len(sim.messages("C0GEN", viewer="U0ADA")) == 2


async def test_the_original_is_replaced_or_deleted(sim: Simulator) -> None:
    shown = sim.workspace.post("C0GEN", author="U0BOT", text="a", visible_to="U0ANN")
    url = sim.site.responses.issue("C0GEN", "U0ANN", shown)
    assert await send(url, {"text": "b", "replace_original": True}) == (200, "ok")
    (message,) = sim.messages("C0GEN", viewer="U0ANN")
    assert (message["text"], message["ts"]) == ("b", shown["ts"])
    assert await send(url, {"delete_original": True}) == (200, "ok")
    assert sim.messages("C0GEN", viewer="U0ANN") == []


async def test_a_command_has_no_original_to_replace(sim: Simulator) -> None:
    url = sim.site.responses.issue("C0GEN", "U0ANN")
    for text in ("a", "b"):
        await send(url, {"text": text, "replace_original": True})
    assert [note["text"] for note in sim.messages("C0GEN", viewer="U0ANN")] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "no_text"),
        ({"blocks": [{"type": "poem"}]}, "invalid_blocks"),
        (["text"], "invalid_payload"),
        ({"text": "a", "thread_ts": "1.1"}, "thread_not_found"),
    ],
)
async def test_a_bad_reply_is_refused_and_not_counted(
    sim: Simulator, body: Any, error: str
) -> None:
    url = sim.site.responses.issue("C0GEN", "U0ANN")
    assert await send(url, body) == (400, error)
    for _ in range(5):
        assert await send(url, {"text": "a"}) == (200, "ok")
    assert await send(url, {"text": "a"}) == (404, "used_url")


async def test_an_address_lives_thirty_minutes(sim: Simulator, clock: Time) -> None:
    url = sim.site.responses.issue("C0GEN", "U0ANN")
    clock.seconds += 30 * 60
    assert await send(url, {"text": "a"}) == (200, "ok")
    clock.seconds += 1
    assert await send(url, {"text": "a"}) == (404, "expired_url")
    assert await send(f"{sim.url}/response/made-up", {"text": "a"}) == (404, "no_such_url")
