"""Feedback: a click in the local Slack becomes a line in a private, bounded file."""

from __future__ import annotations

import json
from pathlib import Path

from bot.feedback import FeedbackLog, Vote

from .conftest import Bench, Json


async def click(bench: Bench, message: Json, vote: str, *, user: str = "U0ADA") -> None:
    """Press a thumb under an answer."""
    block = message["blocks"][-1]
    button = "positive_button" if vote == "up" else "negative_button"
    await bench.sim.action(
        user,
        "C0GEN",
        message["ts"],
        block_id=block["block_id"],
        action_id=block["elements"][0]["action_id"],
        value=block["elements"][0][button]["value"],
    )


async def test_votes_are_recorded_and_the_last_one_counts(bench: Bench) -> None:
    answer = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await click(bench, answer, "up")
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 1)
    await click(bench, answer, "down")
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 2)
    await click(bench, answer, "up", user="U0ANN")
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 3)
    lines = bench.feedback()
    assert [line["vote"] for line in lines] == ["up", "down", "up"]
    assert {line["answer_id"] for line in lines} == {bench.asker.asked[0].id}
    assert {(line["generation"], line["surface"]) for line in lines} == {("00000001", "mention")}
    assert lines[0]["user"] == lines[1]["user"] != lines[2]["user"]
    assert "U0A" not in bench.slack.feedback_file.read_text()
    assert bench.slack.feedback_file.stat().st_mode & 0o777 == 0o600


async def test_the_clicker_is_thanked_and_nobody_else_sees_it(bench: Bench) -> None:
    answer = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await click(bench, answer, "down")
    await bench.sim.wait_for(
        lambda: "This helps us" in str(bench.sim.messages("C0GEN", answer["thread_ts"], "U0ADA"))
    )
    assert "This helps us" not in str(bench.sim.messages("C0GEN", answer["thread_ts"], "U0ANN"))
    replies = bench.sim.messages("C0GEN", answer["thread_ts"])
    assert replies[-1]["blocks"] == answer["blocks"]


async def test_feedback_on_a_private_answer(bench: Bench) -> None:
    await bench.sim.command("U0ADA", "C0GEN", "/clockify", "lock timesheets")
    answer = await bench.private("U0ADA", "C0GEN", "Workspace settings")
    await click(bench, answer, "up")
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 1)
    assert bench.feedback()[0]["surface"] == "command"
    await bench.private("U0ADA", "C0GEN", "glad it helped")


def test_the_file_is_rotated_once_at_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    log = FeedbackLog(path, secret="xoxb-1", max_bytes=300)
    for number in range(12):
        log.record(Vote(f"a{number}", "up", "U0ANN", "mention", "00000001"))
    kept = [path.with_name("feedback.jsonl.1"), path]
    numbers = [
        json.loads(line)["answer_id"] for file in kept for line in file.read_text().splitlines()
    ]
    assert numbers == [f"a{number}" for number in range(12 - len(numbers), 12)]
    assert all(file.stat().st_size < 600 for file in kept)
    assert len(list(tmp_path.iterdir())) == 2


def test_hashes_depend_on_the_secret() -> None:
    one, other = FeedbackLog(Path("x"), secret="a"), FeedbackLog(Path("x"), secret="b")
    assert one.user_hash("U0ANN") == one.user_hash("U0ANN") != other.user_hash("U0ANN")
