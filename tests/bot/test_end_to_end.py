"""The whole bot: `clockify-bot run` as a process, real knowledge and index, the local Slack."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.simulator.server import Simulator
from core.lock import build_lock

from .articles import HELP, write_article
from .conftest import is_bot, words
from .terminal import REFUSAL, Json, Running, Terminal

LOCK = "how do I lock timesheets?"
NEW_TEXT = "1. Ring the brass bell.\n2. Say the date aloud.\n3. Timesheets are locked.\n"
LONG_TEXT = "".join(f"Tablet number {n} is a kiosk that many people share.\n" for n in range(9))
SECONDS = 20.0


@dataclass
class Office:
    """A local Slack with the bot process in it."""

    sim: Simulator
    terminal: Terminal
    running: Running

    async def ask(self, text: str, channel: str = "C0GEN", thread: str | None = None) -> Json:
        """Write as Ann and give the bot's next reply in the thread."""
        ts = await self.sim.post("U0ANN", channel, text, thread)

        def find() -> Json | None:
            replies = self.sim.messages(channel, thread or ts)
            return next((m for m in replies if is_bot(m) and m["ts"] > ts), None)

        reply = await self.sim.wait_for(find, SECONDS)
        assert reply is not None
        return reply

    async def private(self, user: str, holds: str) -> Json:
        """Wait for what only one person sees in #support."""

        def find() -> Json | None:
            return next((m for m in self.privates(user) if holds in words(m)), None)

        message = await self.sim.wait_for(find, SECONDS)
        assert message is not None
        return message

    async def direct(self, holds: str) -> Json:
        """Wait for a direct message to Ada that holds some text."""

        def find() -> Json | None:
            return next((m for m in self.directs() if holds in words(m)), None)

        message = await self.sim.wait_for(find, SECONDS)
        assert message is not None
        return message

    def directs(self) -> list[Json]:
        """List the bot's direct messages to Ada."""
        return [m for m in self.sim.messages("D0ADA") if is_bot(m)]

    def privates(self, user: str) -> list[Json]:
        """List what only one person sees in #support."""
        public = {m["ts"] for m in self.sim.messages("C0GEN")}
        return [m for m in self.sim.messages("C0GEN", viewer=user) if m["ts"] not in public]


@pytest.fixture
async def office(sim: Simulator, own: Terminal) -> AsyncIterator[Office]:
    """Start the bot on the local Slack, with its own copy of the library."""
    terminal = own.on(sim, REBUILD_COOLDOWN="0", BUILD_NICE="0")  # whatever else is busy
    running = await terminal.start("run")
    try:
        await sim.wait_connected(SECONDS)
        yield Office(sim, terminal, running)
    finally:
        await running.kill()


async def test_every_way_to_ask_is_answered_from_the_articles(office: Office) -> None:
    sim = office.sim
    reply = await office.ask(f"<@{sim.bot_user_id}> {LOCK}")
    assert "Switch on *Lock entries*" in reply["text"]
    contexts = [b["elements"] for b in reply["blocks"] if b["type"] == "context"]
    (sources,) = [e["text"] for elements in contexts for e in elements if "*Sources*" in e["text"]]
    section = f". <{HELP}lock-timesheets|Lock timesheets> › How to lock timesheets"
    assert [line[1:] for line in sources.splitlines()].count(section) == 1
    assert sim.messages("C0GEN")[0]["ts"] == reply["thread_ts"]

    follow_up = await office.ask(f"<@{sim.bot_user_id}> automatically?", thread=reply["thread_ts"])
    assert "the date moves on by itself" in follow_up["text"]

    direct = await office.ask("How do I create a tag?", "D0ANN")
    assert "Only managers may delete a tag." in direct["text"]
    refused = await office.ask(f"@clockify-bot {'which wine goes well with a roasted goose'}")
    assert refused["blocks"][0]["text"]["text"] == REFUSAL
    assert "These articles may help:" in refused["text"]
    greeted = await office.ask("@clockify-bot hello")
    assert greeted["text"].startswith("Hello!")

    await sim.command("U0ANN", "C0GEN", "/clockify", "how do I clock in at a kiosk")
    answer = await office.private("U0ANN", "four-digit PIN")
    assert f"<{HELP}kiosk|Kiosk>" in words(answer)
    await sim.command("U0ANN", "C0GEN", "/clockify", "help")
    await office.private("U0ANN", "Ask me about Clockify, and I answer from the help articles")
    assert office.privates("U0ADA") == office.privates("U0GUS") == []


@pytest.mark.proof
@pytest.mark.beside
async def test_an_answer_takes_less_than_a_second(office: Office) -> None:
    await office.ask(f"@clockify-bot {LOCK}")
    spent = []
    for question in ("how do I create a tag?", "which hourly rate counts?", LOCK):
        started = time.perf_counter()
        await office.ask(f"@clockify-bot {question}")
        spent.append(time.perf_counter() - started)
    assert min(spent) < 1.0  # the best of three: the machine may be busy with other tests


@pytest.mark.proof
@pytest.mark.beside
async def test_a_click_on_a_thumb_is_kept(office: Office) -> None:
    reply = await office.ask(f"@clockify-bot {LOCK}")
    block = reply["blocks"][-1]
    thumb = block["elements"][0]
    await office.sim.action(
        "U0ANN",
        "C0GEN",
        reply["ts"],
        block_id=block["block_id"],
        action_id=thumb["action_id"],
        value=thumb["negative_button"]["value"],
    )
    await office.sim.wait_for(
        lambda: "This helps us" in str(office.sim.messages("C0GEN", reply["thread_ts"], "U0ANN"))
    )
    path = office.terminal.folder / ".clockify-bot" / "feedback.jsonl"
    (vote,) = map(json.loads, path.read_text().splitlines())
    assert (vote["vote"], vote["surface"], vote["generation"]) == ("down", "mention", "00000001")


@pytest.mark.proof
@pytest.mark.beside
async def test_a_rebuild_makes_new_text_live_without_a_restart(office: Office) -> None:
    sim = office.sim
    write_article(office.terminal.folder / "knowledge", "lock-timesheets", NEW_TEXT)
    write_article(office.terminal.folder / "knowledge", "kiosk", LONG_TEXT)
    (office.terminal.folder / "knowledge" / "tags.md").unlink()
    assert "Lock entries" in (await office.ask(f"@clockify-bot {LOCK}"))["text"]

    await sim.command("U0ANN", "C0GEN", "/clockify-rebuild")
    await office.private("U0ANN", "Only the admins of this bot may rebuild its knowledge")

    await sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await office.private("U0ADA", "I keep you posted in our direct message.")
    report = await office.direct("Generation 00000002 is live.")
    assert "7 (2 changed, 1 removed)" in words(report)
    assert "*Changed: 2*\\n• `kiosk`\\n• `lock-timesheets`" in words(report)
    assert "*Removed: 1*\\n• `tags`" in words(report)

    reply = await office.ask(f"@clockify-bot {LOCK}")
    assert "Ring the brass bell." in reply["text"]
    assert "Lock entries" not in reply["text"]

    await sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await office.direct("generation 00000002 stays live.")
    await sim.command("U0ADA", "C0GEN", "/clockify-rebuild", "status")
    told = await office.private("U0ADA", "*The last rebuild*, started by <@U0ADA>, found nothing")
    assert "*Live:* generation 00000002, made " in words(told)

    await sim.command("U0ADA", "C0GEN", "/clockify-rebuild", "rollback")
    await office.private("U0ADA", "*Generation 00000001 is live again.*")
    assert "Lock entries" in (await office.ask(f"@clockify-bot {LOCK}"))["text"]
    await sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    await office.direct("which was rolled back")
    await sim.command("U0ADA", "C0GEN", "/clockify-rebuild", "force")
    await office.direct("Generation 00000003 is live.")
    assert "Ring the brass bell." in (await office.ask(f"@clockify-bot {LOCK}"))["text"]
    audit = office.terminal.folder / ".clockify-bot" / "audit.jsonl"
    ends = [line for line in map(json.loads, audit.read_text().splitlines()) if "seconds" in line]
    assert [end["outcome"] for end in ends] == ["published", "unchanged", "refused", "published"]


@pytest.mark.proof
async def test_a_rebuild_that_waits_is_shown_and_can_be_cancelled(office: Office) -> None:
    sim, index = office.sim, office.terminal.folder / "index"
    with build_lock(index, timeout_seconds=1, purpose="a test"):
        await sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
        await office.direct("▸  *waiting for the build lock*")
        await sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
        await office.private("U0ADA", "already running, started by <@U0ADA>")
        assert "Lock entries" in (await office.ask(f"@clockify-bot {LOCK}"))["text"]
        await sim.command("U0ADA", "C0GEN", "/clockify-rebuild", "cancel")
        await office.private("U0ADA", "Cancelled the rebuild that <@U0ADA> had started.")
        await office.direct("*Cancelled by <@U0ADA>.* Nothing was published.")
    with build_lock(index, timeout_seconds=0, purpose="a test"):
        assert (index / "CURRENT").read_text().startswith("00000001 ")


@pytest.mark.proof
async def test_a_rebuild_that_fails_keeps_the_old_knowledge(office: Office) -> None:
    shutil.rmtree(office.terminal.folder / "knowledge")
    await office.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
    failure = await office.direct("The rebuild failed")
    assert f"Knowledge {office.terminal.folder}/knowledge " in failure["text"]
    still = "The knowledge from before is still in use. Knowledge: generation 00000001"
    assert still in failure["text"]
    assert "Lock entries" in (await office.ask(f"@clockify-bot {LOCK}"))["text"]
    code, seconds = await office.running.stop(signal.SIGTERM)
    assert (code, seconds < 5.0) == (0, True)


@pytest.mark.proof
async def test_stopping_during_a_rebuild_tells_the_admin_and_leaves_no_builder_behind(
    office: Office,
) -> None:
    index = office.terminal.folder / "index"
    with build_lock(index, timeout_seconds=1, purpose="a test"):
        await office.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
        await office.direct("▸  *waiting for the build lock*")
        code, seconds = await office.running.stop(signal.SIGTERM)
        assert (code, seconds < 5.0) == (0, True)
        await office.direct("*I was restarted before the rebuild ended.*")
    with build_lock(index, timeout_seconds=0, purpose="a test"):
        assert (index / "CURRENT").read_text().startswith("00000001 ")
    assert "Traceback" not in office.running.text


@pytest.mark.proof
async def test_a_bot_killed_during_a_rebuild_ends_its_message_when_it_is_back(
    office: Office,
) -> None:
    index = office.terminal.folder / "index"
    # Held until the end: a builder that is orphaned must not get to build after all.
    with build_lock(index, timeout_seconds=1, purpose="a test"):
        await office.sim.command("U0ADA", "C0GEN", "/clockify-rebuild")
        await office.direct("▸  *waiting for the build lock*")
        assert (await office.running.stop(signal.SIGKILL))[0] == -signal.SIGKILL
        again = await office.terminal.start("run")
        try:
            await office.sim.wait_connected(SECONDS)
            await office.direct("*I was restarted before the rebuild ended.*")
            assert len(office.directs()) == 1
        finally:
            await again.kill()


@pytest.mark.proof
async def test_a_restart_answers_from_what_the_rebuild_published(
    office: Office, own: Terminal
) -> None:
    assert (await office.running.stop(signal.SIGTERM))[0] == 0
    write_article(own.folder / "knowledge", "lock-timesheets", NEW_TEXT)
    assert (await own.run("build")).code == 0
    again = await office.terminal.start("run")
    try:
        await office.sim.wait_connected(SECONDS)
        reply = await office.ask(f"@clockify-bot {LOCK}")
    finally:
        await again.kill()
    assert "Ring the brass bell." in reply["text"]
