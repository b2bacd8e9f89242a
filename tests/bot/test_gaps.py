"""What was asked in vain: the message that admins see, and `clockify-bot gaps`."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import home_texts
from bot.blocks import MAX_BLOCKS_CHARS
from bot.config import SlackConfig
from bot.conversations import Conversation, Conversations, Gap, Link
from bot.database import Database
from bot.gap_report import gaps, gaps_to_json
from bot.gaps import MAX_GAPS, gaps_message
from bot.simulator.blocks import check_blocks
from bot.simulator.view_rules import check_view

from .conversations import KEPT
from .inert import Allowed, check_inert
from .terminal import Json, Terminal

NOW = 1_000_000.0
LOCK = Link("Lock timesheets", "https://clockify.me/help/lock", "Steps")
GAP = Gap("How do I lock zebras?", 3, NOW - 7_200, "refused", (), (LOCK,))


def test_a_gap_says_how_often_why_and_what_comes_near() -> None:
    message = gaps_message([GAP], NOW)
    told = (
        "*How do I lock zebras?*\nasked 3 times, last 2 h ago: I found no answer\n"
        "Nearest:\n• <https://clockify.me/help/lock|Lock timesheets>"
    )
    assert message.text == f"{home_texts.GAPS_INTRO}\n\n{told}"
    assert len(message.blocks) == 3


def test_thumbs_down_tell_their_reasons_and_strange_ones_are_left_out() -> None:
    disliked = replace(GAP, times=1, why="thumbs_down", reasons=("outdated", "<!here>"), links=())
    message = gaps_message([disliked], NOW)
    assert "asked once, last 2 h ago: a thumb down (out of date)\nNo article" in message.text
    assert "here" not in message.text


def test_an_article_with_two_sections_is_named_once() -> None:
    again = replace(GAP, links=(*GAP.links, replace(GAP.links[0], section="Another")))
    assert gaps_message([again], NOW) == gaps_message([GAP], NOW)


def test_without_gaps_it_says_so() -> None:
    assert gaps_message([]).text == home_texts.GAPS_NONE


@pytest.mark.parametrize("count", [1, 20, 500])
def test_the_worst_gaps_fit_into_a_message_and_a_modal_and_are_inert(count: int) -> None:
    nasty = "<!channel> <@U0ADA> [x](https://evil.test) \u202e evil.com @here & " * 50
    links = (Link(nasty, "https://clockify.me/help/lock", nasty), Link(nasty, "javascript:x", ""))
    worst = Gap(nasty, 10**9, 0.0, "thumbs_down", ("wrong", "unclear") * 9, links * 5)
    message = gaps_message([worst] * count, NOW)
    check_blocks(list(message.blocks))
    assert len(json.dumps(message.blocks)) <= MAX_BLOCKS_CHARS
    title = {"type": "plain_text", "text": "x"}
    check_view({"type": "modal", "title": title, "blocks": list(message.blocks)}, "modal")
    assert len(message.blocks) <= 1 + 2 * MAX_GAPS
    check_inert(message, Allowed(frozenset({"https://clockify.me/help/lock"})))


async def fill(path: Path, *asked: Conversation) -> None:
    """Put conversations into a state file, each asked now."""
    database = await Database.open(path)
    conversations = Conversations(database, retention_days=7)
    for conversation in asked:
        await conversations.add(replace(conversation, asked_at=time.time()))
    await database.close()


REFUSED = replace(KEPT, outcome="refused:nothing_found", question="zebras\u202e\x1b[31m?\nlions")


async def test_the_command_prints_a_table(terminal: Terminal) -> None:
    path = terminal.folder / ".clockify-bot" / "bot.sqlite3"
    await fill(path, REFUSED, replace(REFUSED, answer_id="a2"), replace(KEPT, answer_id="a3"))
    ended = await terminal.run("gaps")
    assert (ended.code, ended.err) == (0, "")
    header, row, second = ended.out.splitlines()
    assert header.split()[:4] == ["times", "last", "why", "question"]
    assert row.split()[0] == "2"
    assert "refused" in row
    assert "zebras[31m? lions" in row
    assert not {"\x1b", "\u202e"} & set(ended.out)
    assert "https://clockify.me/help/lock" in row
    assert second.strip() == "Other"


async def test_the_command_prints_json_or_one_sentence(terminal: Terminal) -> None:
    path = terminal.folder / "state.sqlite3"
    await fill(path, REFUSED, replace(REFUSED, answer_id="a2", question="lions?"))
    told = (await terminal.having(STATE_FILE=str(path)).run("gaps", "--json", "--limit", "1")).json
    (gap,) = told.pop("gaps")
    assert told == {"state_file": str(path), "retention_days": 7}
    assert (gap["question"], gap["times"], gap["why"]) == ("lions?", 1, "refused")
    assert gap["nearest"][1] == {"title": "Other", "url": None, "section": ""}
    code, sentence = (await terminal.having(STATE_FILE=str(terminal.folder)).run("gaps")).failure
    assert code != 0
    assert str(terminal.folder) in sentence


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "Nobody has asked anything yet"),
        ({"QUESTION_RETENTION_DAYS": "0"}, "QUESTION_RETENTION_DAYS is 0, so no question is kept"),
    ],
    ids=["no file", "nothing kept"],
)
def test_the_command_says_why_there_is_nothing(
    here: Path, settings: dict[str, str], says: str
) -> None:
    ended = CliRunner().invoke(gaps, env=settings)
    assert (ended.exit_code, says in ended.output) == (0, True)
    assert [*here.iterdir()] == []


def test_nothing_is_an_empty_list_for_a_program(here: Path) -> None:
    ended = CliRunner().invoke(gaps, ["--json"])
    assert json.loads(ended.output)["gaps"] == []


def test_the_command_says_that_all_was_answered(here: Path) -> None:
    asyncio.run(fill(here / "state.sqlite3", KEPT))
    ended = CliRunner().invoke(gaps, env={"STATE_FILE": "state.sqlite3"})
    assert "Nothing was asked in vain in the last 7 days" in ended.output


@pytest.mark.parametrize("option", ["--limit=0", "--limit=x", "--limit=1001"])
def test_a_limit_that_makes_no_sense_is_refused(here: Path, option: str) -> None:
    assert CliRunner().invoke(gaps, [option]).exit_code == 2


def test_json_holds_the_moment_with_its_zone() -> None:
    told: Json = gaps_to_json([replace(GAP, last_asked=0.0)], SlackConfig())
    assert told["gaps"][0]["last_asked"] == "1970-01-01T00:00:00+00:00"
    json.dumps(told)
