"""Who may use /clockify-rebuild, asked of the local Slack through every door."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from bot.simulator.server import Simulator

from .conftest import Bench, Starter, words

EVERYBODY = ("U0ADA", "U0ANN", "U0GUS", "U0DEE", "U0PAT", "U0BOT")
SUBCOMMANDS = ("", "status", "cancel", "rollback", "rollback 1", "force", "help", "else")
NOT_ADMIN = "Only the admins of this bot may rebuild its knowledge"
GUEST = "Guests may not use `/clockify-rebuild`, even when they are named as admins."
DEACTIVATED = "Deactivated accounts may not use"
STRANGER = "Only members of this bot's own workspace may use"
FAILED = "I could not check with Slack whether you may do that, so I did nothing."
WHERE = {"U0PAT": "C0EXT", "U0DEE": "D0DEE"}


async def told(bench: Bench, user: str, text: str = "") -> str:
    """Use the command and give what this person alone is told."""
    channel = WHERE.get(user, "C0GEN")
    before = len(bench.privates(user, channel))
    await bench.rebuild(user, text, channel)
    found = await bench.sim.wait_for(lambda: bench.privates(user, channel)[before:])
    return words(found[0])


def assert_untouched(bench: Bench) -> None:
    """Check that nobody has changed anything."""
    assert (bench.rebuilder.builds, bench.rebuilder.rolled_back) == (0, [])
    assert not any(line["allowed"] for line in bench.audit())


@pytest.mark.parametrize("user", ["U0ANN", "U0GUS", "U0PAT", "U0DEE"])
async def test_nobody_but_the_admins_may_use_any_subcommand(bench: Bench, user: str) -> None:
    for text in SUBCOMMANDS:
        assert NOT_ADMIN in await told(bench, user, text), text
    assert_untouched(bench)
    assert bench.sim.calls("users.info") == ()


@pytest.mark.parametrize(
    ("user", "sentence"), [("U0GUS", GUEST), ("U0DEE", DEACTIVATED), ("U0PAT", STRANGER)]
)
async def test_to_be_named_as_an_admin_is_not_enough(
    start: Starter, user: str, sentence: str
) -> None:
    bench = await start(admins=EVERYBODY)
    for text in SUBCOMMANDS:
        assert sentence in await told(bench, user, text), text
    assert_untouched(bench)


@pytest.mark.parametrize(
    ("user", "sentence"), [("U0GUS", GUEST), ("U0DEE", DEACTIVATED), ("U0PAT", STRANGER)]
)
async def test_to_be_in_the_group_is_not_enough(start: Starter, user: str, sentence: str) -> None:
    bench = await start(admins=(), admin_usergroup="S0ADM")
    bench.sim.workspace.usergroups["S0ADM"] = EVERYBODY
    assert sentence in await told(bench, user)
    assert_untouched(bench)


async def test_a_bot_may_not(start: Starter) -> None:
    bench = await start(admins=EVERYBODY)
    user = bench.sim.workspace.users["U0ANN"]
    bench.sim.workspace.users["U0ANN"] = replace(user, is_bot=True)
    assert "Bots may not use" in await told(bench, "U0ANN")
    assert_untouched(bench)


async def test_the_members_of_the_group_may_and_the_refusal_names_the_group(
    start: Starter,
) -> None:
    bench = await start(admins=(), admin_usergroup="S0ADM")
    refusal = await told(bench, "U0ANN")
    assert NOT_ADMIN in refusal
    assert "<!subteam^S0ADM>" in refusal
    await bench.rebuild("U0ADA")
    await bench.direct("U0ADA", "Generation 00000002 is live.")


async def test_without_admins_the_reply_says_how_to_name_one(start: Starter) -> None:
    bench = await start(admins=())
    reply = await told(bench, "U0ADA")
    assert "ADMIN_USERS=U0ADA" in reply
    assert "restart the bot" in reply
    assert_untouched(bench)
    assert bench.sim.calls("users.info") == ()


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "api_error", "error": "internal_error"},
        {"kind": "api_error", "error": "no_such_subteam"},
        {"kind": "lost_reply", "times": 2},  # aiohttp asks again once
        {"kind": "rate_limit", "retry_after_seconds": 3600},
    ],
    ids=lambda fault: str(fault.get("error", fault["kind"])),
)
async def test_a_check_that_fails_is_a_no(
    start: Starter, method: str, fault: dict[str, Any]
) -> None:
    bench = await start(admins=(), admin_usergroup="S0ADM")
    await bench.sim.fault(**fault, method=method)
    assert FAILED in await told(bench, "U0ADA")
    assert_untouched(bench)
    assert "I keep you posted" in await told(bench, "U0ADA")  # a failure is not kept


async def test_slack_is_asked_once_in_five_minutes(start: Starter) -> None:
    bench = await start(admins=(), admin_usergroup="S0ADM")
    for _ in range(3):
        assert "Live:" in await told(bench, "U0ADA", "status")
    calls = bench.sim.calls("users.info"), bench.sim.calls("usergroups.users.list")
    assert [len(each) for each in calls] == [1, 1]


async def test_bolt_itself_lets_a_bots_payload_through_to_the_same_check(
    app: AsyncApp, sim: Simulator
) -> None:
    payload = {"command": "/clockify-rebuild", "user_id": "U0BOT", "team_id": "T0SIM", "text": ""}
    payload |= {"response_url": f"{sim.url}/response/none", "channel_id": "C0GEN"}
    request = AsyncBoltRequest(mode="socket_mode", body=payload)
    response = await app.async_dispatch(request)
    assert NOT_ADMIN in json.loads(response.body)["text"]
