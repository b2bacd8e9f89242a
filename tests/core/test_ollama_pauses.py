"""When the Ollama client leaves a server alone, and how it comes back."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.errors import ModelMissing, ModelPaused, ModelTimeout, ModelUnavailable
from core.ollama import BreakerRules, InputRejected, OllamaClient, PromptTooLong, WroteNothing

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import (
    CHAT_PATH,
    EMBED_PATH,
    MESSAGES,
    OPTIONS,
    client,
    closed_port,
    settled,
)

RULES = BreakerRules(failures=3, open_seconds=10.0)


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def impatient(url: str, clock: Clock, *, connect_seconds: float = 0.3) -> OllamaClient:
    rules = BreakerRules(failures=3, open_seconds=10.0, clock=clock)
    return client(url, breaker=rules, read_seconds=0.3, connect_seconds=connect_seconds)


async def chat(asking: OllamaClient, *, seconds: float | None = None) -> str:
    result = await asking.chat("llama3.2", MESSAGES, options=OPTIONS, seconds=seconds)
    return result.text


async def aside(asking: OllamaClient, *, seconds: float) -> None:
    await asking.chat("llama3.2", MESSAGES, options=OPTIONS, seconds=seconds, is_aside=True)


async def embed(asking: OllamaClient, *texts: str, seconds: float | None = None) -> None:
    await asking.embed("nomic-embed-text", texts or ("word",), seconds=seconds)


@contextmanager
def full_backlog() -> Iterator[str]:
    """Give the address of a server whose connections never open: the kernel drops attempts."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            for filler in fillers:
                filler.close()


class TestWhatCounts:
    @pytest.mark.parametrize(
        "fault",
        [
            Fault.BUSY,
            Fault.CRASHED,
            Fault.ERROR_LINE,
            Fault.NO_DONE,
            Fault.HANG,
            Fault.CLOSED,
            Fault.NOT_JSON,
            Fault.EMPTY,
            Fault.UNAUTHORIZED,
        ],
    )
    async def test_failures_of_the_server(self, ollama: ScriptedOllama, fault: Fault) -> None:
        ollama.fail(fault, path=CHAT_PATH)
        async with impatient(ollama.url, Clock()) as asking:
            for _ in range(3):
                assert not asking.is_paused
                with pytest.raises(ModelUnavailable) as raised:
                    await chat(asking)
            assert not isinstance(raised.value, ModelPaused)
            assert asking.is_paused
            asked = len(ollama.requests)
            with pytest.raises(ModelPaused, match="not asked for the next 10 s") as paused:
                await chat(asking)
            assert str(raised.value) in str(paused.value)
            assert len(ollama.requests) == asked

    async def test_a_missing_model(self, ollama: ScriptedOllama) -> None:
        ollama.models.clear()
        async with impatient(ollama.url, Clock()) as asking:
            for _ in range(3):
                with pytest.raises(ModelMissing):
                    await chat(asking)
            with pytest.raises(ModelPaused, match=r"\[hint: ollama pull llama3\.2\]$"):
                await chat(asking)

    async def test_running_out_of_time(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.HANG)
        async with client(ollama.url, breaker=RULES) as asking:
            for _ in range(3):
                with pytest.raises(ModelTimeout):
                    await chat(asking, seconds=0.1)
            assert asking.is_paused

    @pytest.mark.parametrize("fault", [Fault.HANG, Fault.EMPTY])
    async def test_what_only_prepares_an_answer_does_not_by_its_own_limits(
        self, ollama: ScriptedOllama, fault: Fault
    ) -> None:
        ollama.fail(fault, path=CHAT_PATH)
        async with client(ollama.url, breaker=RULES) as asking:
            for _ in range(4):
                with pytest.raises((ModelTimeout, WroteNothing)):
                    await aside(asking, seconds=0.1 if fault is Fault.HANG else 5.0)
            assert not asking.is_paused
            ollama.recover()
            ollama.fail(Fault.CRASHED, path=CHAT_PATH)
            for _ in range(3):
                with pytest.raises(ModelUnavailable):
                    await aside(asking, seconds=5.0)
            assert asking.is_paused

    async def test_no_time_from_the_start_does_not(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url, breaker=RULES) as asking:
            for _ in range(4):
                with pytest.raises(ModelTimeout):
                    await chat(asking, seconds=-1.0)
            assert not asking.is_paused

    async def test_a_prompt_that_is_too_long_does_not(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.NO_ROOM)
        async with client(ollama.url, breaker=RULES) as asking:
            for _ in range(4):
                with pytest.raises(PromptTooLong):
                    await chat(asking)
            assert not asking.is_paused

    async def test_one_bad_text_does_not(self, ollama: ScriptedOllama) -> None:
        ollama.bad_input = "poison"
        async with client(ollama.url, breaker=RULES) as asking:
            for _ in range(4):
                with pytest.raises(InputRejected):
                    await embed(asking, "poison")
            await embed(asking)

    async def test_being_cancelled_does_not(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.HANG)
        async with client(ollama.url, breaker=RULES) as asking:
            for count in range(1, 5):
                asked = asyncio.create_task(chat(asking))
                while len(ollama.requests) < count:
                    await asyncio.sleep(0.01)
                asked.cancel()
                await asyncio.wait([asked])
            assert not asking.is_paused
        await settled(ollama)
        assert ollama.cancelled == 4

    async def test_chat_and_embeddings_count_apart(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.BUSY, path=EMBED_PATH)
        async with impatient(ollama.url, Clock()) as asking:
            for _ in range(3):
                with pytest.raises(ModelUnavailable, match="busy"):
                    await embed(asking)
            with pytest.raises(ModelPaused, match="Embedding by Ollama at"):
                await embed(asking)
            assert not asking.is_paused
            await chat(asking)

    async def test_learning_counts_with_the_embeddings(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.HANG)
        async with client(ollama.url, breaker=RULES) as asking:
            for _ in range(3):
                with pytest.raises(ModelTimeout):
                    await asking.learn("nomic-embed-text", seconds=0.1)
            with pytest.raises(ModelPaused):
                await embed(asking)


class TestRecovery:
    async def test_looks_who_is_there_before_it_asks(self, ollama: ScriptedOllama) -> None:
        clock = Clock()
        async with impatient(ollama.url, clock) as asking:
            asking.pause("Nobody is there. [hint: start Ollama]")
            with pytest.raises(ModelPaused, match=r"Nobody is there\. \[hint: start Ollama\]$"):
                await chat(asking)
            clock.now += 10.0
            assert not asking.is_paused
            assert await chat(asking) == "Open Settings [1]. Then save [2]."
            await chat(asking)
        paths = [request.path for request in ollama.requests]
        assert paths == ["/api/version", CHAT_PATH, CHAT_PATH]

    @pytest.mark.parametrize("fault", [Fault.NOT_FOUND_PAGE, Fault.NOT_JSON, Fault.CRASHED])
    async def test_a_proxy_that_hides_the_version_keeps_nobody_out(
        self, ollama: ScriptedOllama, fault: Fault
    ) -> None:
        clock = Clock()
        ollama.fail(fault, path="/api/version")
        async with impatient(ollama.url, clock) as asking:
            asking.pause("Nobody is there.")
            clock.now += 10.0
            assert await chat(asking) == "Open Settings [1]. Then save [2]."
            assert not asking.is_paused

    async def test_a_proxy_whose_ollama_is_away_does(self, ollama: ScriptedOllama) -> None:
        clock = Clock()
        ollama.fail(Fault.BAD_GATEWAY, path="/api/version")
        async with impatient(ollama.url, clock) as asking:
            asking.pause("Nobody is there.")
            clock.now += 10.0
            with pytest.raises(ModelUnavailable, match="HTTP 502"):
                await chat(asking)
            assert asking.is_paused
        assert ollama.asked(CHAT_PATH) == []

    async def test_a_dead_server_costs_no_more_than_connecting(self) -> None:
        clock = Clock()
        with full_backlog() as url:
            rules = BreakerRules(clock=clock)
            asking = client(url, retries=5, connect_seconds=0.3, read_seconds=30, breaker=rules)
            async with asking:
                asking.pause("Nobody is there.")
                clock.now += 10.0
                started = time.monotonic()
                with pytest.raises(ModelTimeout, match="increase CHAT_CONNECT_TIMEOUT"):
                    await chat(asking)
                assert time.monotonic() - started < 2
                assert asking.is_paused

    async def test_one_tries_while_the_others_are_refused(self, ollama: ScriptedOllama) -> None:
        clock = Clock()
        ollama.fail(Fault.SILENT, path=CHAT_PATH, times=1)
        async with client(ollama.url, breaker=BreakerRules(clock=clock)) as asking:
            asking.pause("Nobody is there.")
            clock.now += 10.0
            trying = asyncio.create_task(chat(asking))
            while len(ollama.requests) < 2:
                await asyncio.sleep(0.01)
            for _ in range(3):
                with pytest.raises(ModelPaused, match="being tried right now"):
                    await chat(asking)
            trying.cancel()
            await asyncio.wait([trying])
            assert await chat(asking) == "Open Settings [1]. Then save [2]."

    async def test_the_first_token_lets_the_others_in(self, ollama: ScriptedOllama) -> None:
        clock = Clock()
        ollama.pause_after = 1
        heard = asyncio.Event()
        async with client(ollama.url, breaker=BreakerRules(clock=clock)) as asking:
            asking.pause("Nobody is there.")
            clock.now += 10.0
            trying = asyncio.create_task(
                asking.chat(
                    "llama3.2", MESSAGES, options=OPTIONS, on_text=lambda piece: heard.set()
                )
            )
            await asyncio.wait_for(heard.wait(), 5)
            other = asyncio.create_task(chat(asking))
            while len(ollama.asked(CHAT_PATH)) < 2:
                await asyncio.sleep(0.01)
            ollama.go_on.set()
            assert await other == (await trying).text

    async def test_a_server_that_comes_back_is_found(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="core.breaker")
        port, clock = closed_port(), Clock()
        async with impatient(f"http://127.0.0.1:{port}", clock) as asking:
            for _ in range(3):
                with pytest.raises(ModelUnavailable, match="Cannot reach"):
                    await chat(asking)
            async with ScriptedOllama(port=port) as ollama:
                clock.now += 10.0
                await chat(asking)
                assert len(ollama.requests) == 2
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
        assert all("Bluebird" not in message for message in caplog.messages)
