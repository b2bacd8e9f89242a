"""Having Ollama fetch a model: progress, and every way it may not come."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from core.errors import ModelUnavailable
from core.ollama import OllamaClient, PullProgress

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import client, closed_port, settled


async def pulled(asking: OllamaClient, model: str = "phi4") -> list[PullProgress]:
    return [step async for step in asking.pull(model)]


@pytest.fixture(autouse=True)
def _offered(ollama: ScriptedOllama) -> None:
    ollama.pullable.add("phi4:latest")


async def test_tells_how_far_it_is(ollama: ScriptedOllama) -> None:
    async with client(ollama.url, read_seconds=0.6) as asking:
        steps = await pulled(asking)
        assert "phi4:latest" in await asking.models()
    assert steps[0] == PullProgress("pulling manifest")
    assert steps[-1] == PullProgress("success")
    layers = [step for step in steps if step.total]
    assert all(step.digest.startswith("sha256:") for step in layers)
    assert [step.completed for step in layers] == sorted(step.completed for step in layers)
    assert layers[-1].completed == layers[-1].total == ollama.layer_bytes
    assert ollama.requests[0].payload == {"model": "phi4", "stream": True}


@pytest.mark.parametrize("fault", [Fault.ERROR_LINE, Fault.ERROR_FIRST])
async def test_an_error_inside_http_200_names_the_model(
    ollama: ScriptedOllama, fault: Fault
) -> None:
    ollama.fail(fault)
    async with client(ollama.url) as asking:
        with pytest.raises(ModelUnavailable, match=r"cannot pull phi4: .+\. \[hint: "):
            await pulled(asking)


async def test_words_of_the_server_are_shown_without_what_a_terminal_acts_on_or_the_key(
    ollama: ScriptedOllama,
) -> None:
    key = "sk-hunter2-hunter2"
    for words, shown in (
        ("\x1b[2J" + "no room " * 99, f": [2J{'no room ' * 99}"[:201].rstrip()),
        (f"denied for Bearer {key}.", ""),
    ):
        ollama.pull_problem = words
        async with client(ollama.url, api_key=key) as asking:
            with pytest.raises(ModelUnavailable) as raised:
                await pulled(asking)
        told = str(raised.value)
        assert told.startswith(f"Ollama at {ollama.url} cannot pull phi4{shown}. [hint: check")


async def test_a_model_that_nobody_has(ollama: ScriptedOllama) -> None:
    async with client(ollama.url) as asking:
        with pytest.raises(ModelUnavailable, match=r"cannot pull no-such: .+check the name"):
            await pulled(asking, "no-such")


async def test_a_stream_without_success_is_a_failure(ollama: ScriptedOllama) -> None:
    ollama.fail(Fault.NO_DONE)
    async with client(ollama.url) as asking:
        with pytest.raises(ModelUnavailable, match="stopped pulling phi4 before it was done"):
            await pulled(asking)


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.HALF, Fault.BUSY, Fault.NOT_JSON])
async def test_a_broken_one_is_a_failure(ollama: ScriptedOllama, fault: Fault) -> None:
    ollama.fail(fault)
    async with client(ollama.url) as asking:
        with pytest.raises(ModelUnavailable):
            await pulled(asking)


async def test_an_endless_line_is_cut(ollama: ScriptedOllama) -> None:
    ollama.fail(Fault.OVERSIZED)
    async with client(ollama.url) as asking:
        with pytest.raises(ModelUnavailable, match=r"sent more than 65,536 bytes"):
            await pulled(asking)


async def test_nobody_there() -> None:
    async with client(f"http://127.0.0.1:{closed_port()}") as asking:
        with pytest.raises(ModelUnavailable, match="Cannot reach Ollama"):
            await pulled(asking)


async def test_leaving_early_ends_the_request(ollama: ScriptedOllama) -> None:
    ollama.fail(Fault.STALL)
    async with client(ollama.url) as asking:
        async with aclosing(asking.pull("phi4")) as steps:
            await anext(steps)
        await settled(ollama)
    assert ollama.cancelled == 1
