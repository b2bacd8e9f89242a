"""The rule of who may rebuild, field by field, and how long its answers are kept."""

from __future__ import annotations

from typing import Any

import pytest

from bot.membership import CACHE_SECONDS, CheckFailed, Verdict, judge
from bot.permissions import AdminCheck
from bot.simulator.server import Simulator
from bot.startup import open_client

from .conftest import settings_for

ADA: dict[str, Any] = {
    "id": "U0ADA",
    "team_id": "T0SIM",
    "deleted": False,
    "is_bot": False,
    "is_restricted": False,
    "is_ultra_restricted": False,
}
GRID = {"enterprise_user": {"id": "W1", "enterprise_id": "E1", "teams": ["T9", "T0SIM"]}}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.ALLOWED),
        ({"is_stranger": False, "is_workflow_bot": False}, Verdict.ALLOWED),
        ({"team_id": "E1"} | GRID, Verdict.ALLOWED),
        ({"deleted": True}, Verdict.DEACTIVATED),
        ({"is_bot": True}, Verdict.BOT),
        ({"is_workflow_bot": True}, Verdict.BOT),
        ({"is_restricted": True}, Verdict.GUEST),
        ({"is_ultra_restricted": True}, Verdict.GUEST),
        ({"is_stranger": True}, Verdict.STRANGER),
        ({"team_id": "T0EXT"}, Verdict.STRANGER),
        ({"team_id": "T0EXT", "enterprise_user": {"teams": ["T9"]}}, Verdict.STRANGER),
        ({"team_id": "T0EXT", "enterprise_user": "T0SIM"}, Verdict.STRANGER),
        ({"team_id": "T0EXT", "is_admin": True, "is_owner": True}, Verdict.STRANGER),
    ],
    ids=str,
)
def test_each_rule_says_no_on_its_own(changes: dict[str, Any], verdict: Verdict) -> None:
    assert judge(ADA | changes, user_id="U0ADA", team_id="T0SIM") is verdict


@pytest.mark.parametrize("name", [*ADA, "is_stranger", "is_workflow_bot"])
@pytest.mark.parametrize("value", [None, "", 0, 1, []], ids=repr)
def test_what_is_odd_is_no_yes(name: str, value: object) -> None:
    with pytest.raises(CheckFailed):
        judge(ADA | {name: value}, user_id="U0ADA", team_id="T0SIM")


@pytest.mark.parametrize("name", ADA)
def test_what_is_missing_is_no_yes(name: str) -> None:
    user = {field: value for field, value in ADA.items() if field != name}
    with pytest.raises(CheckFailed):
        judge(user, user_id="U0ADA", team_id="T0SIM")


def test_slackbot_is_a_bot_although_slack_says_otherwise() -> None:
    user = ADA | {"id": "USLACKBOT"}
    assert judge(user, user_id="USLACKBOT", team_id="T0SIM") is Verdict.BOT


@pytest.mark.parametrize(("user_id", "team_id"), [("U0BOB", "T0SIM"), ("", "T0SIM"), ("U0ADA", "")])
def test_a_reply_about_somebody_else_or_for_no_workspace(user_id: str, team_id: str) -> None:
    user = ADA | ({"id": ""} if not user_id else {})
    with pytest.raises(CheckFailed):
        judge(user, user_id=user_id, team_id=team_id)


async def test_answers_are_kept_for_five_minutes_and_no_longer(
    sim: Simulator, tmp_path: Any
) -> None:
    now = [0.0]
    async with open_client(settings_for(sim, tmp_path)) as client:
        check = AdminCheck(
            client, admins=(), usergroup="S0ADM", team_id="T0SIM", clock=lambda: now[0]
        )
        assert await check.verdict("U0ADA") is Verdict.ALLOWED
        sim.workspace.usergroups["S0ADM"] = ()
        now[0] = CACHE_SECONDS
        assert await check.verdict("U0ADA") is Verdict.ALLOWED
        now[0] = CACHE_SECONDS + 1
        assert await check.verdict("U0ADA") is Verdict.NOT_ADMIN
        assert len(sim.calls("users.info")) == 1
        assert len(sim.calls("usergroups.users.list")) == 2


async def test_a_verdict_is_asked_again_after_five_minutes(sim: Simulator, tmp_path: Any) -> None:
    now = [0.0]
    async with open_client(settings_for(sim, tmp_path)) as client:
        check = AdminCheck(
            client, admins=["U0GUS"], usergroup="", team_id="T0SIM", clock=lambda: now[0]
        )
        for _ in range(2):
            assert await check.verdict("U0GUS") is Verdict.GUEST
            now[0] += CACHE_SECONDS + 1
        assert len(sim.calls("users.info")) == 2


async def test_a_slack_that_hangs_is_a_no_within_the_time(sim: Simulator, tmp_path: Any) -> None:
    await sim.fault("slow", method="users.info", seconds=3.0)
    async with open_client(settings_for(sim, tmp_path)) as client:
        check = AdminCheck(
            client, admins=["U0ADA"], usergroup="", team_id="T0SIM", timeout_seconds=1.0
        )
        assert await check.verdict("U0ADA") is Verdict.CHECK_FAILED
        assert await check.verdict("U0ADA") is Verdict.ALLOWED
