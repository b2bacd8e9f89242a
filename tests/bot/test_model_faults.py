"""A language model that breaks, seen by those who ask in Slack; tests/proof has many more ways."""

from __future__ import annotations

from pathlib import Path

from tests.proof.faulty_ollama import MODEL, Break, ollama_on
from tests.proof.model_judge import Kind
from tests.proof.model_office import GRACE_SECONDS, open_model_office

DEADLINE_SECONDS = 2.0


async def test_a_model_that_hangs_costs_nobody_the_answer(tmp_path: Path, library: Path) -> None:
    async with (
        ollama_on() as ollama,
        open_model_office(
            tmp_path,
            library,
            ollama.url,
            settings={"QUESTION_DEADLINE_SECONDS": f"{DEADLINE_SECONDS:g}"},
        ) as office,
    ):
        ollama.chat_break = Break.HANG
        asked = await office.ask_many(3)  # a mention, a direct message and a command
        limit = DEADLINE_SECONDS + GRACE_SECONDS
        assert await office.judged(asked, Kind.MARKED, seconds=limit) == []
        await ollama.settled()  # what hung was cancelled at the server
        assert f"{MODEL} has not answered" in await office.status()
        ollama.chat_break = None
        assert await office.judged([await office.ask()], Kind.WRITTEN, seconds=limit) == []
        assert f"{MODEL} writes the answers" in await office.status()
