"""When the real Ollama counts as set up, and what a machine that cannot have it is told."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from ..real_ollama.install import set_up
from ..real_ollama.place import (
    REQUIREMENTS,
    STAMP,
    SetUpError,
    expected_stamp,
    home,
    is_complete,
    why_not_here,
)

is_x86_linux = sys.platform.startswith("linux") and platform.machine() == "x86_64"


def test_the_cache_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOCKIFY_TEST_CACHE", str(tmp_path))
    assert home() == tmp_path / "ollama-0.9.3"
    monkeypatch.delenv("CLOCKIFY_TEST_CACHE")
    assert home() == Path.home() / ".cache" / "clockify-bot-tests" / "ollama-0.9.3"


def test_only_the_stamp_of_this_recipe_makes_it_complete(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()  # an interrupted set-up
    assert not is_complete(tmp_path)
    (tmp_path / STAMP).write_text("of another recipe", "utf-8")
    assert not is_complete(tmp_path)
    (tmp_path / STAMP).write_text(expected_stamp(), "utf-8")
    assert is_complete(tmp_path)


def test_a_complete_one_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOCKIFY_TEST_CACHE", str(tmp_path))
    home().mkdir()
    (home() / STAMP).write_text(expected_stamp(), "utf-8")
    said: list[str] = []
    assert set_up(said.append) == home()
    assert said == []


@pytest.mark.skipif(not is_x86_linux, reason="elsewhere the platform is named first")
def test_without_a_compiler_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLOCKIFY_TEST_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Install gcc" in why_not_here()
    with pytest.raises(SetUpError, match="no C compiler"):
        set_up(lambda _: None)


@pytest.mark.skipif(not is_x86_linux, reason="elsewhere the platform is named first")
def test_a_cache_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("in the way", "utf-8")
    monkeypatch.setenv("CLOCKIFY_TEST_CACHE", str(file))
    with pytest.raises(SetUpError, match="CLOCKIFY_TEST_CACHE"):
        set_up(lambda _: None)


def test_every_requirement_is_pinned_and_hashed() -> None:
    recipe = REQUIREMENTS.read_text("utf-8").replace("\\\n", "").splitlines()
    wanted = [line for line in recipe if line and not line.startswith("#")]
    assert len(wanted) == 8
    assert all("==" in line and "--hash=sha256:" in line for line in wanted)
