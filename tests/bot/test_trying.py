"""`clockify-bot try`: which app it installs in the local Slack."""

from __future__ import annotations

from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner

from bot.cli import cli
from bot.simulator.manifest import load_manifest
from bot.trying import choose_manifest

from .conftest import MANIFEST, ROOT


def test_follow_ups_are_on_unless_another_manifest_is_given(tmp_path: Path) -> None:
    chosen = choose_manifest(None)
    assert chosen == ROOT / "docs" / "manifests" / "follow-ups.yml"
    assert "message.channels" in load_manifest(chosen).events
    assert choose_manifest(MANIFEST) == MANIFEST


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read"),
        ("- a list", "is not a mapping of settings"),
        ("features: [a]", "is not a mapping"),
        ("features: {shortcuts: [{name: Ask}]}", "has no callback_id"),
        ("oauth_config: {scopes: {bot: chat}}", "is not a list of names"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    path = tmp_path / "mine.yml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=rf"mine\.yml.*{reason}"):
        choose_manifest(path)


def test_it_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    path = tmp_path / "none.yml"
    done = CliRunner().invoke(cli, ["try", "--manifest", str(path)])
    assert done.exit_code == 2
    assert f"The manifest {path} cannot be read" in done.output
