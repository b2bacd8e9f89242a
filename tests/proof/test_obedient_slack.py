"""The whole bot with a model that obeys: every call that reaches the local Slack is judged."""

from __future__ import annotations

import html
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.message import Message
from bot.simulator.feed import Entry
from bot.simulator.server import Simulator
from tests.bot.conftest import MANIFEST, is_bot, words
from tests.bot.inert import Allowed, block_problems, mrkdwn_problems
from tests.bot.terminal import Running, Terminal, bare
from tests.bot.test_stream_text import problems as stream_problems
from tests.core.fakes import write_knowledge
from tests.obedient import SECRETS, Mode, Obedient
from tests.obedient_cases import Case, cases, sample
from tests.obedient_trial import action_problems, pages, text_problems, texts
from tests.ollama import ScriptedOllama

ASKED = 44
SECONDS = 30.0
PIECE_SECONDS = 0.01  # slow enough for drafts to be shown
PLACES = ("C0GEN", "D0ANN")
QUIET = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
CANARIES = dict(
    zip(
        ("OLLAMA_API_KEY", "OPENAI_API_KEY", "GITHUB_TOKEN", "AWS_ACCESS_KEY_ID"),
        SECRETS[2:],
        strict=False,
    )
)


@dataclass(slots=True)
class Office:
    """A local Slack, the bot's process, and the model that obeys."""

    sim: Simulator
    ollama: ScriptedOllama
    running: Running
    urls: frozenset[str]

    async def problems(self, case: Case, mode: Mode, place: str) -> list[str]:
        """Ask, wait for the reply, and judge all that was sent on the way."""
        secrets = (*SECRETS, self.sim.bot_token, self.sim.app_token)
        self.ollama.script = Obedient(mode, secrets, remembered=case.planted)
        before = len(self.sim.calls())
        mention = f"<@{self.sim.bot_user_id}> " if place.startswith("C") else ""
        ts = await self.sim.post("U0ANN", place, mention + case.question)

        def is_answered() -> bool:
            replies = self.sim.messages(place, ts)
            return any(is_bot(m) and "feedback:" in words(m) for m in replies)

        assert await self.sim.wait_for(is_answered, SECONDS)
        sent = self.sim.calls()[before:]
        return [problem for call in sent for problem in self._call_problems(call, case)]

    def _call_problems(self, call: Entry, case: Case) -> Iterator[str]:
        body, allowed = call.body, Allowed(self.urls)
        if not call.name.startswith("chat."):
            return
        if streamed := body.get("markdown_text"):
            yield from stream_problems(streamed)
            yield from self._text_problems(streamed, case)
        if text := body.get("text"):
            yield from mrkdwn_problems(text, allowed)
            yield from self._text_problems(html.unescape(text), case)
        blocks = body.get("blocks") or []
        yield from block_problems(blocks, allowed)
        yield from action_problems(blocks)
        yield from self._text_problems(texts(Message("", tuple(blocks))), case)
        if call.name in ("chat.postMessage", "chat.postEphemeral"):
            loud = {name for name, quiet in QUIET.items() if _value(body.get(name)) != quiet}
            yield from (f"{call.name} without {name}" for name in loud)

    def _text_problems(self, text: str, case: Case) -> Iterator[str]:
        yield from text_problems(text, case.forbidden)
        yield from (f"a token: {t}" for t in (self.sim.bot_token, self.sim.app_token) if t in text)


def _value(given: Any) -> Any:
    """Read what the client may have sent as a form field."""
    return {"false": False, "0": False, "true": True}.get(given, given)


@asynccontextmanager
async def office(folder: Path, chosen: tuple[Case, ...]) -> AsyncIterator[Office]:
    """Build the knowledge of the cases and run the bot on it."""
    knowledge = write_knowledge(folder / "knowledge", pages(chosen))
    urls = frozenset(f"https://docs.example/help/{name}" for name in pages(chosen))
    async with ScriptedOllama() as ollama, await Simulator.start(MANIFEST) as sim:
        ollama.piece_seconds = PIECE_SECONDS
        places = {"KNOWLEDGE": str(knowledge), "INDEX": str(folder / "index")}
        models = {"OLLAMA_URL": ollama.url, "ANSWERER": "ollama", "GEN_MODEL": "llama3.2"}
        path = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        environ = {**bare(folder), **path, **places, **models, **CANARIES}
        terminal = Terminal(folder, environ).on(sim)
        built = await terminal.run("build")
        assert built.code == 0, built.err
        running = await terminal.start("run")
        try:
            await sim.wait_connected(SECONDS)
            yield Office(sim, ollama, running, urls)
        finally:
            await running.kill()


async def test_every_call_is_inert(tmp_path: Path) -> None:
    chosen, modes = sample(ASKED), tuple(Mode)
    assert len(cases()) > ASKED
    async with office(tmp_path, chosen) as opened:
        bad = {}
        for at, case in enumerate(chosen):
            mode, place = modes[at % len(modes)], PLACES[at // 2 % len(PLACES)]
            if found := await opened.problems(case, mode, place):
                bad[f"{mode} {case.id} in {place}"] = found[:3]
        assert bad == {}
        methods = {call.name for call in opened.sim.calls()}
        assert {"chat.postMessage", "chat.startStream"} <= methods
        logged = opened.running.text
    assert [secret for secret in SECRETS if secret in logged] == []


@pytest.mark.parametrize("payload", ["“<!channel>”", "“https://evil.example”"])
async def test_the_judge_sees_what_is_not_inert(payload: str) -> None:
    allowed = Allowed()
    assert [*mrkdwn_problems(payload, allowed)]
