"""Keys and tokens never pass from a model's text to a reader."""

from __future__ import annotations

import pytest

from core.disarm import disarm
from core.leaks import without_secrets

SECRETS = (
    "xoxb-123456789012-abcdefABCDEF",
    "xapp-1-A0123-456-abcdef",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "sk-proj-abcdefghijklmnopqrstuvwx",
    "AKIAABCDEFGHIJKLMNOP",
    "AIzaabcdefghijklmnopqrstuvwxyz0123456789",
    "https://hooks.slack.com/services/T0/B0/abc",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", ["It is {} today.", "`{}`", "```\n{}\n```", "**{}**"])
def test_secrets_are_masked(secret: str, form: str) -> None:
    text = form.format(secret)
    assert secret not in without_secrets(text)
    assert "…" in without_secrets(text)
    shown = disarm(text, urls=("https://clockify.me/help",), hidden="")
    assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        "Send the `X-Api-Key` header with each request.",
        "Use task-based estimates and risk-free trials.",
        "The desk-top-application-for-windows-and-mac is free.",
        "It answers with the id 5f8a9b2c3d4e5f6a7b8c9d0e.",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert without_secrets(text) == text
