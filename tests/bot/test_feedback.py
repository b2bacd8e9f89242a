"""Feedback: a click in the local Slack becomes a line in a private, bounded file, and a row."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.feedback import FeedbackLog, Vote, VoteHandler
from bot.feedback_form import REASON_FORM
from bot.listeners import feedback
from bot.parts import Parts
from bot.tasks import Claim, Task, TaskKind

from .conftest import Bench, Json, Starter

CHOSEN = {"reason": {"reason": {"type": "radio_buttons", "selected_option": {"value": "wrong"}}}}


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


async def explain(bench: Bench, comment: str | None, *, user: str = "U0ADA") -> None:
    """Submit the form that a thumbs-down opened."""
    view = await bench.sim.wait_for(lambda: bench.sim.modal(user))
    assert view is not None
    assert view["callback_id"] == REASON_FORM
    written = {"comment": {"comment": {"type": "plain_text_input", "value": comment}}}
    await bench.sim.people.submit(user, view["id"], CHOSEN | written)


def rows(bench: Bench) -> list[tuple[str, str, str]]:
    """Read the votes of the database."""
    with sqlite3.connect(bench.slack.state_file) as connection:
        return connection.execute("SELECT vote, reason, comment FROM votes").fetchall()


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
    assert rows(bench) == [("up", "", "")]


async def test_a_thumbs_down_asks_why_and_keeps_the_words_to_itself(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await click(bench, answer, "down")
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 1)
    await explain(bench, " It is the secretplace menu. ")
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 2)
    assert [line.get("reason") for line in bench.feedback()] == [None, "wrong"]
    assert rows(bench) == [("down", "wrong", "It is the secretplace menu.")]
    assert "secretplace" not in bench.slack.feedback_file.read_text()
    assert "secretplace" not in caplog.text
    assert bench.sim.modal("U0ADA") is None
    await bench.sim.wait_for(
        lambda: "noted" in str(bench.sim.messages("C0GEN", answer["thread_ts"], "U0ADA"))
    )


async def test_the_words_are_optional(bench: Bench) -> None:
    answer = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await click(bench, answer, "down")
    await explain(bench, None)
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 2)
    assert rows(bench) == [("down", "wrong", "")]


async def test_a_thumbs_up_opens_no_form(bench: Bench) -> None:
    answer = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await click(bench, answer, "up")
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 1)
    assert not bench.sim.calls("views.open")


async def test_a_form_that_does_not_open_costs_no_vote(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await bench.sim.fault("expired_trigger")
    await click(bench, answer, "down")
    await bench.sim.wait_for(
        lambda: "This helps us" in str(bench.sim.messages("C0GEN", answer["thread_ts"], "U0ADA"))
    )
    assert [line["vote"] for line in bench.feedback()] == ["down"]
    assert bench.sim.modal("U0ADA") is None
    await bench.end()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_nothing_of_a_vote_is_in_the_database_when_nothing_is_kept(start: Starter) -> None:
    bench = await start(retention_days=0)
    answer = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    await click(bench, answer, "down")
    await explain(bench, "text")
    await bench.sim.wait_for(lambda: len(bench.feedback()) == 2)
    assert rows(bench) == []


def thumb(value: object = "a1:down", **changes: Any) -> Json:
    """Make the payload of a click on a thumb."""
    action = {
        "action_id": "answer_feedback",
        "block_id": "feedback:mention:00000001:a1",
        "value": value,
        "action_ts": "1.2",
    }
    payload: Json = {
        "type": "block_actions",
        "user": {"id": "U0ANN"},
        "team": {"id": "T0SIM"},
        "channel": {"id": "C0GEN"},
        "container": {"message_ts": "1.1", "is_ephemeral": False},
        "message": {"ts": "1.1", "thread_ts": "1.0"},
        "response_url": "http://127.0.0.1:9/x",
        "actions": [action | changes.pop("action", {})],
    }
    return payload | changes


def test_a_click_is_read() -> None:
    task = feedback.read(thumb())
    assert task is not None
    assert (task.key, task.kind, task.user) == ("action 1.2 U0ANN a1", TaskKind.VOTE, "U0ANN")
    assert task.body == {
        "answer_id": "a1",
        "vote": "down",
        "surface": "mention",
        "generation": "00000001",
        "response_url": "http://127.0.0.1:9/x",
        "thread_ts": "1.0",
    }


@pytest.mark.parametrize(
    "body",
    [
        thumb("a1:sideways"),
        thumb("a1:up\n"),
        thumb("../../etc:up"),
        thumb("a" * 65 + ":up"),
        thumb(None),
        thumb(7),
        thumb(user={"id": "U0ANN; DROP"}),
        thumb(user={"id": ""}),
        thumb(type="message_action"),
        thumb(action={"action_id": "answer_human"}),
    ],
)
def test_what_no_button_of_ours_says_is_no_vote(body: Json) -> None:
    assert feedback.read(body) is None


def test_a_foreign_block_id_leaves_surface_and_generation_empty() -> None:
    task = feedback.read(thumb(action={"block_id": "feedback:<!here>:x:a1"}))
    assert task is not None
    assert (task.body["surface"], task.body["generation"]) == ("", "")


def form(**changes: Any) -> Json:
    """Make the payload of a submitted reason."""
    occasion = {"answer_id": "a1", "surface": "mention", "generation": "1"}
    occasion |= {"response_url": "", "thread_ts": ""} | changes.pop("occasion", {})
    chosen: Json = {"reason": {"reason": {"selected_option": {"value": "unclear"}}}}
    chosen |= {"comment": {"comment": {"value": changes.pop("comment", "why")}}}
    view: Json = {"id": "V1", "callback_id": REASON_FORM, "state": {"values": chosen}}
    view |= {"private_metadata": json.dumps(occasion)} | changes
    user = {"id": "U0ANN", "team_id": "T0SIM"}
    return {"type": "view_submission", "user": user, "view": view}


def test_a_form_is_read() -> None:
    task = feedback.read(form())
    assert task is not None
    assert task.key == "view V1 U0ANN"
    assert {"vote": "down", "reason": "unclear", "comment": "why"}.items() <= task.body.items()


@pytest.mark.parametrize(
    "body",
    [
        form(callback_id="other"),
        form(private_metadata="{"),
        form(private_metadata='{"answer_id": "a1"}'),
        form(occasion={"answer_id": "<!here>"}),
        form(occasion={"surface": "a b"}),
        form(occasion={"thread_ts": 7}),
        form(state={"values": {}}),
        form(state={"values": {"reason": {"reason": {"selected_option": {"value": "evil"}}}}}),
        form(comment="x" * 501),
    ],
)
def test_a_form_that_is_not_ours_is_no_vote(body: Json) -> None:
    assert feedback.read(body) is None


def handler_of(parts: Parts) -> VoteHandler:
    """Make the handler as the bot does."""
    return VoteHandler(
        client=parts.client,
        membership=parts.membership,
        conversations=parts.store.conversations,
        feedback_log=parts.feedback_log,
    )


def claim_of(user: str, answer_id: str = "unknown", tries: int = 1, **body: str) -> Claim:
    """Make a claim of a vote."""
    said = {"answer_id": answer_id, "response_url": "", **body}
    return Claim(Task("action 1 x", TaskKind.VOTE, user, "C0GEN", body=said), tries, 0.0)


async def test_votes_on_forgotten_answers_count_and_may_be_repeated(parts: Parts) -> None:
    handler = handler_of(parts)
    for tries in (1, 2):
        await handler.handle(claim_of("U0GUS", vote="up", tries=tries))
    lines = parts.slack.feedback_file.read_text().splitlines()
    assert [json.loads(line)["vote"] for line in lines] == ["up", "up"]
    with sqlite3.connect(parts.slack.state_file) as connection:
        assert connection.execute("SELECT count(*) FROM votes").fetchone() == (1,)


@pytest.mark.parametrize("user", ["U0BOT", "U0DEE"])
async def test_no_machine_votes(parts: Parts, user: str) -> None:
    await handler_of(parts).handle(claim_of(user, vote="up"))
    assert not parts.slack.feedback_file.exists()


async def test_a_vote_counts_when_slack_does_not_say_whose_it_is(parts: Parts, sim: Any) -> None:
    await sim.fault("api_error", method="users.info")
    await handler_of(parts).handle(claim_of("U0ANN", vote="up"))
    assert parts.slack.feedback_file.exists()


async def test_each_piece_of_general_feedback_is_kept(parts: Parts) -> None:
    for key in ("view 1", "view 2"):
        body = {"answer_id": "general", "reason": "", "comment": "text"}
        task = Task(key, TaskKind.VOTE, "U0ANN", "", body=body)
        await handler_of(parts).handle(Claim(task, 1, 0.0))
    with sqlite3.connect(parts.slack.state_file) as connection:
        assert connection.execute("SELECT vote, comment FROM votes").fetchall() == [
            ("down", "text"),
            ("down", "text"),
        ]


async def test_who_voted_hears_when_it_does_not_count(bench: Bench) -> None:
    answer = await bench.ask("U0ANN", "C0GEN", "@clockify-bot how do I lock timesheets?")
    bench.slack.feedback_file.parent.mkdir(parents=True, exist_ok=True)
    bench.slack.feedback_file.mkdir()  # in the way
    await click(bench, answer, "up")
    await bench.sim.wait_for(
        lambda: "reference" in str(bench.sim.messages("C0GEN", answer["thread_ts"], "U0ADA"))
    )


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
