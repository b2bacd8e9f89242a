"""/clockify-rebuild in the local Slack: who may, one at a time, progress, report, failure."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import RebuildRefused

from .conftest import Bench, Starter, is_bot, words


async def test_admin_gets_progress_and_a_report_and_the_new_generation(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await bench.private("U0ADA", "C0GEN", "Rebuilding the knowledge. I will tell you")
    await bench.private("U0ADA", "C0GEN", "Now: embedding (3 of 4), about 12 s left.")
    bench.rebuilder.gate.set()
    report = await bench.private("U0ADA", "C0GEN", "*Rebuilt.*")
    assert [block["text"]["text"] for block in report["blocks"]] == [
        "*Rebuilt.* Generation 00000002 is live.\n"
        "4 articles, 4 chunks; embeddings: 1 computed, 3 reused; 1.2 s, 2.5 MB",
        "*Added: 1*\n• `lock-timesheets`",
        "*Changed: 1*\n• `&lt;!channel&gt;`",
        "*Warnings (1 skipped): 1*\n• `odd.md:3: no title`",
    ]
    assert bench.sim.messages("C0GEN") == []
    await bench.ask("U0ANN", "C0GEN", "@clockify-bot track time")
    assert bench.asker.generation == "00000002"


async def test_two_progress_lines_and_the_report_leave_two_uses_of_the_response_url(
    bench: Bench,
) -> None:
    bench.rebuilder.gate.clear()
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await bench.sim.wait_for(lambda: len(bench.privates("U0ADA", "C0GEN")) == 3)
    await asyncio.sleep(0.5)
    bench.rebuilder.gate.set()
    await bench.private("U0ADA", "C0GEN", "*Rebuilt.*")
    heads = [message["text"].split(".")[0] for message in bench.privates("U0ADA", "C0GEN")]
    assert heads == ["Rebuilding the knowledge"] * 3 + ["*Rebuilt"]


@pytest.mark.parametrize("user", ["U0ANN", "U0GUS"])
async def test_others_may_not(bench: Bench, user: str) -> None:
    await bench.sim.command(user, "C0GEN", "/clockify-rebuild")
    await bench.private(user, "C0GEN", "Only the admins of this bot")
    assert bench.rebuilder.builds == 0


async def test_without_admins_the_reply_says_how_to_name_one(start: Starter) -> None:
    bench = await start(admins=())
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    reply = await bench.private("U0ADA", "C0GEN", "ADMIN_USERS=U0ADA")
    assert "restart the bot" in words(reply)
    assert bench.rebuilder.builds == 0


async def test_second_rebuild_hears_who_runs_the_first_and_how_far(start: Starter) -> None:
    bench = await start(admins=("U0ADA", "U0ANN"))
    bench.rebuilder.gate.clear()
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await bench.sim.wait_for(lambda: bench.rebuilder.builds == 1)
    await bench.sim.command("U0ANN", "C0GEN", "/clockify-rebuild")
    reply = await bench.private("U0ANN", "C0GEN", "already running")
    assert "<@U0ADA>" in reply["text"]
    assert "embedding (3 of 4)" in reply["text"]
    bench.rebuilder.gate.set()
    await bench.private("U0ADA", "C0GEN", "*Rebuilt.*")
    assert bench.rebuilder.builds == 1


async def test_refused_rebuild_names_the_reason_and_keeps_the_knowledge(bench: Bench) -> None:
    bench.rebuilder.failure = RebuildRefused("Half of the articles are gone <!here>; use --force.")
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    reply = await bench.private("U0ADA", "C0GEN", "*The rebuild failed.*")
    assert "Half of the articles are gone &lt;!here&gt;; use --force." in reply["text"]
    assert "Knowledge: generation 00000001" in reply["text"]
    bench.rebuilder.failure = None
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await bench.private("U0ADA", "C0GEN", "*Rebuilt.*")


async def test_broken_rebuild_gives_a_reference(bench: Bench) -> None:
    bench.rebuilder.failure = RuntimeError("secret path /srv/kb")
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    reply = await bench.private("U0ADA", "C0GEN", "under this reference: `")
    assert "secret" not in words(reply)


async def test_report_after_the_response_url_expired_is_a_direct_message(bench: Bench) -> None:
    bench.rebuilder.gate.clear()
    await bench.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await bench.sim.wait_for(lambda: len(bench.privates("U0ADA", "C0GEN")) == 3)
    bench.clock.ahead_seconds = 3_600
    bench.rebuilder.gate.set()
    report = await bench.sim.wait_for(
        lambda: next((m for m in bench.sim.messages("D0ADA") if is_bot(m)), None)
    )
    assert report is not None
    assert "*Rebuilt.*" in report["text"]
