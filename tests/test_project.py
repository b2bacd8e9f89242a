"""What the repository promises about itself: packages, lock file, README, knowledge."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest
import yaml

from bot.cli import cli
from bot.config import REQUIRED_SCOPES, SlackConfig
from core.config import Config
from core.settings import settings_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARTICLES = sorted((ROOT / "knowledge").rglob("*.md"))
OVERLAP = ROOT.parent / "shared" / "tools" / "overlap.py"
OFFICIAL = ("https://clockify.me/help/", "https://cake.com/help/")
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.S)
# Index options (--no-emit-index-url of uv names none) and this checkout's own folder or home.
HERE = b"|".join(re.escape(str(path).encode()) + rb"/" for path in (ROOT, Path.home()) if path.name)
LEFTOVER = re.compile(rb"(?<!emit-)index-url|(?<![\w.])(?:" + HERE + rb")")


@pytest.mark.parametrize("package", ["bot", "core"])
def test_no_other_distribution_brings_our_packages(package: str) -> None:
    assert set(packages_distributions().get(package, ())) <= {"clockify-bot"}


def test_the_script_is_the_module() -> None:
    (script,) = entry_points(group="console_scripts", name="clockify-bot")
    assert script.value == "bot.cli:main"
    assert (ROOT / "Procfile").read_text() == "worker: python -m bot run\n"


def test_every_requirement_is_pinned_with_hashes_and_none_names_an_index() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    logical = text.replace("\\\n", " ").splitlines()
    requirements = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    assert len(requirements) > 50
    for line in requirements:
        assert re.match(r"[a-z0-9._-]+==\S+ ", line), line
        assert re.search(r" --hash=sha256:[0-9a-f]{64}", line), line
    assert "://" not in text


def test_the_readme_has_the_settings_as_they_are() -> None:
    assert settings_table(Config, SlackConfig) in README


def test_the_readme_names_every_command_scope_and_event() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    slashes = [command["command"] for command in manifest["features"]["slash_commands"]]
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert manifest["oauth_config"]["scopes"]["bot"] == list(REQUIRED_SCOPES)
    wanted = [f"`{name}`" for name in (*REQUIRED_SCOPES, *events, "/clockify-rebuild")]
    wanted += [f"`{slash}" for slash in slashes] + [
        f"`clockify-bot {name}" for name in cli.commands
    ]
    assert [name for name in wanted if name not in README] == []


def test_the_readme_points_at_files_that_exist() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_changelog_says_what_is_new() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(Unreleased|\d+\.\d+\.\d+)\]", text, flags=re.M)


def test_there_are_enough_articles_each_with_a_page_of_its_own() -> None:
    assert len(ARTICLES) >= 80
    urls = [front_matter(path)["url"] for path in ARTICLES]
    assert len(set(urls)) == len(urls)
    assert [url for url in urls if not url.startswith(OFFICIAL)] == []


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_an_article_has_a_title_a_url_and_a_readable_length(path: Path) -> None:
    meta = front_matter(path)
    assert meta["title"].strip()
    assert meta["url"].strip()
    found = FRONT_MATTER.match(path.read_text(encoding="utf-8"))
    assert found is not None
    assert 120 <= len(found[2].split()) <= 600


def front_matter(path: Path) -> dict[str, str]:
    """Read what is between the dashes."""
    found = FRONT_MATTER.match(path.read_text(encoding="utf-8"))
    assert found is not None, path
    meta: dict[str, str] = yaml.safe_load(found[1])
    return meta


def test_the_knowledge_shares_no_sentence_with_the_help_center() -> None:
    if not OVERLAP.exists():
        pytest.skip("../shared/tools/overlap.py is not here")
    command = [sys.executable, str(OVERLAP), "knowledge"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "0 shared runs of 8 or more words\n")


def test_no_file_names_a_registry_or_a_folder_of_this_machine() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.split(b"\0")
    paths = [ROOT / name.decode() for name in listed if name]
    found = [
        f"{path.relative_to(ROOT)}: {match[0].decode()}"
        for path in paths
        if path != Path(__file__) and path.is_file()
        for match in LEFTOVER.finditer(path.read_bytes())
    ]
    assert found == []
