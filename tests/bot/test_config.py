"""Settings: each bad value is named, tokens are never shown, .env.example has what there is."""

from __future__ import annotations

import re

import pytest

from bot.config import SlackConfig
from core.config import Config
from core.errors import SettingsError
from core.settings import setting_rows

from .conftest import ROOT

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1-secret", "SLACK_APP_TOKEN": "xapp-1-secret"}


def test_defaults() -> None:
    slack = SlackConfig.from_env(TOKENS)
    assert slack.api_url == "https://slack.com/api/"
    assert (slack.admins, slack.max_concurrent, slack.is_local) == ((), 4, False)
    assert str(slack.feedback_file) == ".clockify-bot/feedback.jsonl"


def test_tokens_are_not_in_repr() -> None:
    assert "secret" not in repr(SlackConfig.from_env(TOKENS))


def test_values_are_read() -> None:
    slack = SlackConfig.from_env(
        TOKENS
        | {"ADMIN_USERS": " U0ADA, W0BOB,U0ADA,", "SLACK_API_URL": "http://127.0.0.1:3000/api"}
    )
    assert slack.admins == ("U0ADA", "W0BOB")
    assert (slack.api_url, slack.is_local) == ("http://127.0.0.1:3000/api/", True)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_APP_TOKEN": ""}, "SLACK_APP_TOKEN is not set"),
        ({"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"}, "are swapped"),
        ({"SLACK_BOT_TOKEN": "xoxp-1"}, "SLACK_BOT_TOKEN must start with xoxb-, not xoxp-"),
        ({"SLACK_BOT_TOKEN": "hunter2"}, "must start with xoxb-, not something else"),
        ({"SLACK_APP_TOKEN": "xapp-1 secret"}, "SLACK_APP_TOKEN holds a character"),
        ({"ADMIN_USERS": "U0ADA, ada, @bob"}, "ADMIN_USERS .*: ada, @bob is not a Slack user id"),
        ({"SLACK_API_URL": "ftp://x"}, "SLACK_API_URL .* http or https"),
        ({"MAX_CONCURRENT": "0"}, "MAX_CONCURRENT .* from 1 to 64"),
        ({"SLACK_TIMEOUT": "soon"}, "SLACK_TIMEOUT .* a number"),
    ],
)
def test_bad_values_are_named(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as caught:
        SlackConfig.from_env(TOKENS | environ)
    assert "secret" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_example_file_names_every_slack_setting_and_nothing_unknown() -> None:
    text = (ROOT / ".env.example").read_text()
    named = re.findall(r"^#? ?([A-Z_]+)=", text, re.MULTILINE)
    ours = [row.env for row in setting_rows(SlackConfig)]
    known = {*ours, *(row.env for row in setting_rows(Config))}
    assert set(ours) <= set(named) <= known
    assert len(named) == len(set(named))
