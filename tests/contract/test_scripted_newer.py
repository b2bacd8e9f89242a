"""What only the scripted Ollama can show: newer versions, thinking, a queue, a pull that works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ..ollama import Fault, ScriptedOllama, Written
from .asking import CHAT_MODEL, EMBEDDING_MODEL, NUM_CTX, Reply, Served

LONG = [{"role": "user", "content": "word " * 400}]
FLAGS = {"truncate": False, "shift": False}


@pytest_asyncio.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    async with ScriptedOllama(models=(EMBEDDING_MODEL, CHAT_MODEL), version="0.33.0-rc2") as server:
        server.script = lambda _: "Open Settings, then save."
        yield server


@pytest.fixture
def served(ollama: ScriptedOllama) -> Served:
    return Served(ollama.url)


class TestWindow:
    async def test_truncate_false_refuses_a_prompt_that_is_too_long(self, served: Served) -> None:
        reply = await served.chat(messages=LONG, **FLAGS)
        assert reply.status == 400
        assert reply.value == {"error": "the input length exceeds the context length"}

    async def test_a_prompt_that_is_too_long_is_cut_to_half(self, served: Served) -> None:
        assert (await served.say(messages=LONG))["prompt_eval_count"] == NUM_CTX // 2 + 3

    async def test_one_that_cannot_shift_refuses_by_itself(
        self, ollama: ScriptedOllama, served: Served
    ) -> None:
        ollama.context_shift = False
        assert (await served.chat(messages=LONG)).status == 400

    async def test_one_may_cut_in_spite_of_the_flags(
        self, ollama: ScriptedOllama, served: Served
    ) -> None:
        ollama.ignores_truncate = True
        said = await served.say(messages=LONG, **FLAGS)
        assert said["prompt_eval_count"] == NUM_CTX // 2 + 3

    async def test_the_model_reads_only_what_was_kept(
        self, ollama: ScriptedOllama, served: Served
    ) -> None:
        read: list[str] = []

        def script(messages: list[dict[str, str]]) -> str:
            read.append(messages[-1]["content"])
            return "Yes."

        ollama.script = script
        await served.say(messages=[{"role": "user", "content": "first " + "word " * 400 + "last"}])
        assert read[0].endswith("last")
        assert "first" not in read[0]


class TestThinking:
    @pytest.fixture(autouse=True)
    def thinks(self, ollama: ScriptedOllama) -> None:
        ollama.thought = "The user wants settings."

    @pytest.mark.parametrize(
        ("version", "think", "is_thinking"),
        [
            ("0.33.0", None, True),
            ("0.33.0", True, True),
            ("0.33.0", False, False),
            ("0.12.3", None, False),
            ("0.9.3", True, True),
        ],
    )
    async def test_by_default_since_0_12_4(
        self,
        ollama: ScriptedOllama,
        served: Served,
        version: str,
        think: bool | None,
        is_thinking: bool,
    ) -> None:
        ollama.version = version
        asked = {} if think is None else {"think": think}
        message = (await served.say(num_predict=99, **asked))["message"]
        assert message["content"] == "Open Settings, then save."
        assert message.get("thinking", "") == (ollama.thought if is_thinking else "")

    async def test_it_may_use_up_num_predict(self, served: Served) -> None:
        said = await served.say(num_predict=3)
        assert (said["message"]["content"], said["done_reason"]) == ("", "length")

    async def test_it_may_leak_into_the_text(self, ollama: ScriptedOllama, served: Served) -> None:
        ollama.leaks_thought = True
        message = (await served.say(num_predict=99, think=False))["message"]
        assert message["content"].startswith("<think>The user wants settings.</think>Open")

    @pytest.mark.parametrize(("version", "status"), [("0.12.4", 400), ("0.12.5", 200)])
    async def test_0_12_4_alone_refuses_think_false(
        self, ollama: ScriptedOllama, served: Served, version: str, status: int
    ) -> None:
        ollama.version, ollama.thought = version, ""
        assert (await served.chat(think=False)).status == status


class TestQueue:
    async def test_one_slot_lets_others_wait_and_refuses_the_rest(
        self, ollama: ScriptedOllama, served: Served
    ) -> None:
        ollama.slots, ollama.max_queue, ollama.pause_after = 1, 2, 1
        asked = [asyncio.create_task(served.chat()) for _ in range(3)]
        async with asyncio.timeout(10):
            while ollama.waiting < 2:
                await asyncio.sleep(0.01)
        refused = await served.chat()
        assert refused.status == 503
        words = "server busy, please try again.  maximum pending requests exceeded"
        assert refused.value == {"error": words}
        ollama.go_on.set()
        assert [reply.status for reply in await asyncio.gather(*asked)] == [200] * 3
        assert (ollama.most_running, ollama.most_waiting, ollama.waiting) == (1, 2, 0)


class TestPull:
    async def pulled(self, served: Served, model: str = "qwen3") -> Reply:
        return await served.ask("/api/pull", {"model": model})

    async def test_progress_ends_in_success_and_the_model_is_there(
        self, ollama: ScriptedOllama, served: Served
    ) -> None:
        ollama.pullable = {"qwen3"}
        lines = (await self.pulled(served)).lines
        assert lines[0] == {"status": "pulling manifest"}
        assert lines[-1] == {"status": "success"}
        layers = [line for line in lines if "digest" in line]
        assert [line.get("completed", 0) for line in layers] == [0, 250, 500, 750, 1000]
        assert {line["total"] for line in layers} == {1000}
        assert "qwen3:latest" in ollama.models

    async def test_an_unknown_model_is_an_error_line(self, served: Served) -> None:
        reply = await self.pulled(served)
        assert reply.status == 200
        assert reply.lines[-1] == {"error": "pull model manifest: file does not exist"}

    async def test_it_may_fail_in_the_middle(self, ollama: ScriptedOllama, served: Served) -> None:
        ollama.pullable = {"qwen3"}
        ollama.fail(Fault.ERROR_LINE, path="/api/pull")
        lines = (await self.pulled(served)).lines
        assert lines[-2]["completed"] == 250
        assert "error" in lines[-1]
        assert "qwen3:latest" not in ollama.models


class TestScripts:
    async def test_a_script_may_set_the_counts(
        self, ollama: ScriptedOllama, served: Served
    ) -> None:
        ollama.script = lambda _: Written("Yes.", 99, "length", 5)
        said: dict[str, Any] = await served.say()
        assert said["message"]["content"] == "Yes."
        counts = said["prompt_eval_count"], said["done_reason"], said["eval_count"]
        assert counts == (99, "length", 5)

    async def test_loads_are_counted(self, ollama: ScriptedOllama, served: Served) -> None:
        for num_ctx in (256, 256, 512, 256):
            await served.say(options={"num_ctx": num_ctx})
        assert ollama.loads == [(CHAT_MODEL, 256), (CHAT_MODEL, 512), (CHAT_MODEL, 256)]
