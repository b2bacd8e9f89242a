"""`clockify-bot eval`: what the live index finds, what it does not, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from .articles import HELP
from .terminal import Json, Terminal

TAGS: Json = {"query": "How do I create a tag?", "urls": [f"{HELP}tags"]}
LOCK: Json = {
    "query": "lock entries automatically every month",
    "urls": [f"{HELP}lock-timesheets/"],
}
GONE: Json = {"query": "Where is my parcel?", "urls": [f"{HELP}parcels"]}
# Its article says nothing of it, and there are better ones.
WRONG: Json = {"query": "What does a client pay for one hour?", "urls": [f"{HELP}tags"]}


async def test_numbers_and_what_was_found_instead(terminal: Terminal) -> None:
    terminal.write("mine.jsonl", TAGS, LOCK, GONE, "{")
    ended = await terminal.run("eval", "mine.jsonl")
    assert ended.code == 0
    assert ended.err == (
        "warning: mine.jsonl:4: skipped, not JSON "
        "(Expecting property name enclosed in double quotes)\n"
    )
    assert ended.out.splitlines() == [
        "mine.jsonl: 2 questions asked of generation 00000001",
        "hit@1 100.0%, hit@5 100.0%, MRR 1.000",
        "",
        "Not counted, for none of their articles is in the index:",
        f'  "Where is my parcel?"  {HELP}parcels',
    ]


async def test_json_and_the_floor(terminal: Terminal) -> None:
    terminal.write("mine.jsonl", TAGS, WRONG, GONE)
    at_floor, below = await asyncio.gather(
        terminal.having(QUALITY_FLOOR="0.5").run("eval", "mine.jsonl", "--json"),
        terminal.having(QUALITY_FLOOR="0.51").run("eval", "mine.jsonl", "--json"),
    )
    assert (at_floor.code, at_floor.err) == (0, "")
    assert (below.code, below.err) == (1, "Fewer than QUALITY_FLOOR=0.51 are found.\n")
    result = at_floor.json
    assert below.json == result
    (missed,) = result.pop("not_found")
    assert result == {
        "questions_file": "mine.jsonl",
        "generation": "00000001",
        "questions": 2,
        "hit@1": 0.5,
        "hit@5": 0.5,
        "mrr": 0.5,
        "gone": [GONE["query"]],
        "warnings": [],
    }
    assert (missed["query"], missed["urls"]) == (WRONG["query"], WRONG["urls"])
    assert missed["found"][0] == {"title": "Hourly rates", "url": f"{HELP}hourly-rates"}
    assert len(missed["found"]) == 5


async def test_text_names_what_was_found_instead(own: Terminal) -> None:
    own.write("knowledge/questions.jsonl", WRONG, TAGS)  # beside the articles
    ended = await own.run("eval")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[1:7] == [
        "hit@1 50.0%, hit@5 50.0%, MRR 0.500",
        "",
        "Not among the first 5 articles:",
        f'  "{WRONG["query"]}"',
        f"      wanted  {HELP}tags",
        "      found   Hourly rates",
    ]


@pytest.mark.proof
@pytest.mark.beside
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere.jsonl"], "QUALITY_QUESTIONS is nowhere.jsonl, which gives no question: nowhere"),
        ([], "There is no questions.jsonl with "),
        (["--knowledge", "bad"], "No question can be asked: questions.jsonl:1: holds no question"),
    ],
    ids=["missing", "none", "empty"],
)
async def test_no_questions_is_exit_2(
    terminal: Terminal, arguments: list[str], reason: str
) -> None:
    (terminal.folder / "bad").mkdir()
    (terminal.folder / "bad" / "questions.jsonl").touch()
    code, said = (await terminal.run("eval", *arguments)).failure
    assert (code, said.startswith(f"clockify-bot: {reason}")) == (2, True), said


async def test_no_index_is_exit_3(terminal: Terminal, tmp_path: Path) -> None:
    terminal.write("mine.jsonl", TAGS)
    nowhere = terminal.having(INDEX=str(tmp_path / "none"))
    code, said = (await nowhere.run("eval", "mine.jsonl")).failure
    assert (code, said.startswith("clockify-bot: There is no index in ")) == (3, True)
