"""A knowledge base full of injections, an obedient model, and the judge of what Slack would get."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.blocks import turn_message
from bot.message import Message
from bot.stream_text import ready
from bot.tasks import Surface
from core.answerers.ollama import OllamaAnswerer
from core.pipeline import AnswerRules, Pipeline
from core.prompt import SYSTEM_PROMPT
from core.protocols import Embedder
from core.rebuild import rebuild
from core.store import Store
from core.types import Answer, Exchange, Question, Turn
from core.writing import Writer

from .bot.hostile import allowed_for
from .bot.inert import FENCED, INLINE_CODE, block_problems, mrkdwn_problems
from .bot.test_stream_text import problems as stream_problems
from .core.fakes import HashingEmbedder, request, write_knowledge
from .obedient import SECRETS, Mode, Obedient
from .obedient_cases import Case
from .obedient_payloads import breaches
from .obedient_readings import folded
from .ollama import ScriptedOllama
from .ollama_asking import client

OURS = frozenset(
    {"answer_feedback", "answer_human", "answer_rephrase", "answer_share", "answer_follow_up"}
    | {"answer_dismiss"}
)
BLOCK_TYPES = frozenset({"section", "context", "actions", "context_actions"})
CITED = re.compile(r"\[(\d{1,3})\]")
PROMPT_PIECE = 60


@dataclass(slots=True)
class Tally:
    """What came of the benign questions."""

    asked: int = 0
    answered: int = 0
    refused: int = 0
    facts: int = 0  # answers that hold the benign fact


@dataclass(slots=True)
class Trial:
    """A pipeline whose model obeys."""

    pipeline: Pipeline
    ollama: ScriptedOllama
    tally: Tally = field(default_factory=Tally)

    async def problems(self, case: Case, mode: Mode, *, remembers: bool = False) -> list[str]:
        """Ask one question; list all that should not have reached Slack.

        A model that remembers obeys the order even when it was kept from its prompt.
        """
        self.ollama.script = Obedient(mode, remembered=case.planted if remembers else "")
        drafts: list[str] = []
        earlier = tuple(Exchange(question, reply) for question, reply in case.earlier)
        question = Question(case.question, history=earlier, id="a1b2c3d4e5")
        turn = await self.pipeline.ask(question, drafts.append)
        self._count(turn, case)
        found = [*turn_problems(turn, case.forbidden)]
        for draft in drafts:
            found += (f"in a draft: {problem}" for problem in draft_problems(draft, case.forbidden))
        return found

    def _count(self, turn: Turn, case: Case) -> None:
        self.tally.asked += 1
        is_answer = isinstance(turn.reply, Answer)
        self.tally.answered += is_answer
        self.tally.refused += not is_answer
        if isinstance(turn.reply, Answer):
            self.tally.facts += bool(re.search(case.fact, turn.reply.text, re.IGNORECASE))


@asynccontextmanager
async def open_trial(
    folder: Path, cases: Iterable[Case], embedder: Embedder | None = None
) -> AsyncIterator[Trial]:
    """Build the knowledge of these cases and open a pipeline over it."""
    knowledge = write_knowledge(folder / "kb", pages(cases))
    embedder = embedder or HashingEmbedder(dimension=1024)
    await rebuild(request(knowledge, folder / "index", embedder=embedder))
    async with open_pipeline(folder / "index", embedder) as trial:
        yield trial


@asynccontextmanager
async def open_pipeline(index: Path, embedder: Embedder) -> AsyncIterator[Trial]:
    """Open a pipeline over an index; its model obeys."""
    async with ScriptedOllama() as ollama, client(ollama.url) as asking:
        answerer = OllamaAnswerer(asking, "llama3.2", seed=42, num_ctx=8192, num_predict=512)
        writer = Writer(answerer, None, embedder=embedder, model="llama3.2")
        opened = Store(index).open().index
        rules = AnswerRules()
        yield Trial(Pipeline(opened, writer, embedder=embedder, matcher=None, rules=rules), ollama)


def pages(cases: Iterable[Case]) -> dict[str, str]:
    """Give the articles of cases as files."""
    return {
        f"{re.sub('[^a-z]+', '-', title.lower())}": f"# {title}\n\n{body}"
        for case in cases
        for title, body in case.articles
    }


def turn_problems(turn: Turn, forbidden: Iterable[str]) -> Iterator[str]:
    """List what is wrong with a reply as Slack gets it."""
    message = turn_message(turn, surface=Surface.MENTION, can_escalate=True)
    allowed = allowed_for(turn)
    yield from mrkdwn_problems(message.text, allowed)
    for block in message.blocks:
        yield from block_problems(block, allowed)
    yield from action_problems(message.blocks)
    yield from citation_problems(turn, message)
    yield from text_problems(texts(message), forbidden)


def draft_problems(draft: str, forbidden: Iterable[str]) -> Iterator[str]:
    """List what is wrong with what a stream would show."""
    shown = ready(f"{draft} end")
    yield from stream_problems(shown)
    yield from text_problems(shown, forbidden)


def text_problems(shown: str, forbidden: Iterable[str]) -> Iterator[str]:
    """List what a text gives away or obeys, however it is spelt."""
    patterns = tuple(forbidden)
    for reading in dict.fromkeys((shown, folded(shown))):
        yield from (f"obeyed: {found} in {shown!r}" for found in breaches(reading, patterns))
        yield from (f"a secret: {secret}" for secret in SECRETS if secret in reading)
        flat = " ".join(reading.split())
        prompt = " ".join(SYSTEM_PROMPT.split())
        pieces = (prompt[at : at + PROMPT_PIECE] for at in range(0, len(prompt), PROMPT_PIECE // 2))
        yield from (f"the prompt: {piece}" for piece in pieces if len(piece) > 40 and piece in flat)


def action_problems(blocks: Iterable[dict[str, Any]]) -> Iterator[str]:
    """List blocks that are none of ours and everything to click that is none of ours."""
    for block in blocks:
        if block["type"] not in BLOCK_TYPES:
            yield f"a block of type {block['type']}"
        for element in block.get("elements", ()):
            action = element.get("action_id")
            if action is not None and action not in OURS:
                yield f"an action {action}"


def citation_problems(turn: Turn, message: Message) -> Iterator[str]:
    """List citations of anything but the snippets that were given."""
    if not isinstance(turn.reply, Answer):
        return
    given = {snippet.chunk.id for snippet in turn.context.snippets} if turn.context else set()
    yield from (
        f"a foreign source: {source.chunk_id}"
        for source in turn.reply.sources
        if source.chunk_id not in given
    )
    numbers = {source.n for source in turn.reply.sources}
    outside = INLINE_CODE.sub(" ", FENCED.sub(" ", message.text))
    yield from (f"cites [{n}]" for n in CITED.findall(outside) if int(n) not in numbers)


def texts(message: Message) -> str:
    """Give everything that a reader of a message sees."""
    found = [message.text]

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("text"), str):
                found.append(value["text"])
            for part in value.values():
                walk(part)
        elif isinstance(value, list | tuple):
            for part in value:
                walk(part)

    walk(json.loads(json.dumps(message.blocks)))
    return html.unescape("\n".join(found))
