"""What people and admins are told about the language model."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot import form_texts, home_texts
from bot.command_status import Status, model_lines, status_message
from bot.model_state import ModelState, model_state

from .conftest import Starter, words
from .homes import open_home
from .stand_ins import ArticleAsker, CountingRebuilder

REASON = "Cannot reach Ollama at http://10.0.0.5:11434: <!channel>\nrefused"


@dataclass
class Teller:
    """An asker that has a language model."""

    language_model: str = "llama3.2"
    model_problem: str = ""
    model_problem_since: float | None = None


class FailingAsker(ArticleAsker):
    """Answers without its language model."""

    language_model = "llama3.2"
    model_problem = REASON
    model_problem_since = 1_000.0


def lines(model: ModelState | None) -> list[str]:
    """Give the whole status of a bot with such a model."""
    status = Status("00000007", 7_300, 1_240, 60.0, 0, 0, 7, model)
    return status_message(status).text.splitlines()


def test_an_asker_that_tells_nothing() -> None:
    assert model_state(ArticleAsker()) is None
    assert not any("model" in line for line in lines(None))


def test_no_model_a_good_one_and_one_that_fails() -> None:
    assert lines(model_state(Teller("")))[1] == form_texts.MODEL_NONE
    assert lines(model_state(Teller()))[1] == "*Language model:* llama3.2 writes the answers."
    failing = model_state(
        Teller(model_problem=REASON, model_problem_since=1_000.0), lambda: 1_240.0
    )
    assert lines(failing)[1] == (
        "*Language model:* llama3.2 has not answered for 4 min. "
        "Until it does, answers are quotes from the articles, and say so."
    )
    assert not any("10.0.0.5" in line for line in lines(failing))


def test_admins_are_told_why_and_nobody_is_called() -> None:
    [_, why] = model_lines(ModelState("llama3.2", REASON, None), for_admins=True)
    told = "Cannot reach Ollama at `http://10.0.0.5:11434`: &lt;!channel&gt; refused"
    assert why == f"*Its last failure:* {told}"
    [_, why] = model_lines(ModelState("llama3.2", "no " * 1_000, None), for_admins=True)
    assert len(why) < 450


@pytest.mark.parametrize("ahead", [5.0, 0.0])
def test_a_clock_that_was_set_back(ahead: float) -> None:
    state = model_state(Teller(model_problem="no", model_problem_since=100.0), lambda: 100 - ahead)
    assert state == ModelState("llama3.2", "no", 0.0)


async def test_why_it_fails_is_for_admins_alone(start: Starter) -> None:
    bench = await start(rebuilder=CountingRebuilder(FailingAsker()))
    await bench.sim.command("U0ANN", "C0GEN", "/clockify", "status")
    told = words(await bench.private("U0ANN", "C0GEN", "llama3.2 has not answered for"))
    shown = words(await open_home(bench, "U0ANN", "*How to ask*"))
    for seen in (told, shown):
        assert "10.0.0.5" not in seen
    panel = words(await open_home(bench, "U0ADA", home_texts.PANEL))
    assert "llama3.2 has not answered for" in panel
    assert "10.0.0.5:11434`: &lt;!channel&gt; refused" in panel
