"""What every Ollama does in a chat, told by raw HTTP: the stream, its end, loading, the window."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .asking import CHAT_MODEL, EMBEDDING_MODEL, NUM_CTX, Served

pytestmark = pytest.mark.timeout(300)

DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "enum": [1, 2]}},
    "required": ["n"],
}


class TestStream:
    async def test_is_one_object_a_line_and_ends_with_done(self, served: Served) -> None:
        reply = await served.chat()
        assert (reply.status, reply.kind) == (200, "application/x-ndjson")
        *pieces, last = reply.lines
        assert len(pieces) == 4
        for piece in pieces:
            assert set(piece) == {"model", "created_at", "message", "done"}
            assert piece["model"] == CHAT_MODEL
            assert piece["message"]["role"] == "assistant"
            assert piece["message"]["content"]
            assert piece["done"] is False
        assert last["done"] is True
        assert last["message"] == {"role": "assistant", "content": ""}

    async def test_the_last_line_counts(self, served: Served) -> None:
        last = (await served.chat(num_predict=3)).lines[-1]
        assert (last["done_reason"], last["eval_count"]) == ("length", 3)
        assert 0 < last["prompt_eval_count"] < 40
        assert all(last[name] > 0 for name in DURATIONS)

    async def test_without_a_stream_it_is_one_object(self, served: Served) -> None:
        reply = await served.chat(stream=False)
        assert (reply.status, reply.kind) == (200, "application/json")
        assert reply.value["done"] is True
        assert reply.value["message"]["content"]

    async def test_the_stream_says_the_same_as_the_whole(self, served: Served) -> None:
        streamed = (await served.chat()).lines
        joined = "".join(line["message"]["content"] for line in streamed)
        assert joined == (await served.say())["message"]["content"]

    async def test_seed_and_temperature_0_repeat_the_text(self, served: Served) -> None:
        messages = [{"role": "user", "content": "Name a fruit, a colour and a town."}]
        said = [await served.say(messages=messages, num_predict=8) for _ in range(2)]
        assert said[0]["message"] == said[1]["message"]


class TestLoading:
    async def test_no_messages_load_and_keep_alive_0_unloads(self, served: Served) -> None:
        assert _end(await served.say(messages=[])) == ("", "load", True)
        assert CHAT_MODEL in await _loaded(served)
        assert _end(await served.say(messages=[], keep_alive=0)) == ("", "unload", True)

    async def test_loading_is_one_object_even_where_a_stream_is_the_default(
        self, served: Served
    ) -> None:
        reply = await served.ask("/api/chat", {"model": CHAT_MODEL, "options": {"num_ctx": 256}})
        assert (reply.status, reply.kind) == (200, "application/json")
        assert _end(reply.value) == ("", "load", True)

    async def test_another_num_ctx_loads_the_model_again(self, served: Served) -> None:
        await served.say(num_predict=1)
        again = await served.say(num_predict=1)
        changed = await served.say(num_predict=1, options={"num_ctx": NUM_CTX + 64})
        back = await served.say(num_predict=1)
        for loaded in (changed, back):
            assert loaded["load_duration"] > 3 * again["load_duration"]

    async def test_ps_names_what_is_loaded_and_until_when(self, served: Served) -> None:
        await served.vectors("x")
        entries = (await served.ask("/api/ps")).value["models"]
        (entry,) = [entry for entry in entries if entry["name"] == f"{EMBEDDING_MODEL}:latest"]
        assert entry["expires_at"]


class TestWindow:
    async def test_a_prompt_that_is_too_long_is_cut_and_only_its_count_tells(
        self, served: Served
    ) -> None:
        messages = [{"role": "user", "content": "word " * 150}]
        said = await served.say(messages=messages, num_predict=1, options={"num_ctx": 64})
        assert said["prompt_eval_count"] == 64

    async def test_truncate_and_shift_are_not_known_to_this_version(self, served: Served) -> None:
        messages = [{"role": "user", "content": "word " * 150}]
        said = await served.say(
            messages=messages, num_predict=1, options={"num_ctx": 64}, truncate=False, shift=False
        )
        assert said["prompt_eval_count"] == 64


class TestRefusals:
    async def test_an_embedding_model_does_not_chat(self, served: Served) -> None:
        reply = await served.chat(model=EMBEDDING_MODEL)
        assert (reply.status, reply.value) == (
            400,
            {"error": f'"{EMBEDDING_MODEL}" does not support chat'},
        )

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"temperature": "hot"}, 'option "temperature" must be of type float32'),
            ({"num_ctx": "big"}, 'option "num_ctx" must be of type integer'),
        ],
        ids=["temperature", "num_ctx"],
    )
    async def test_an_option_of_another_type_is_500(
        self, served: Served, options: dict[str, Any], words: str
    ) -> None:
        reply = await served.chat(options=options)
        assert (reply.status, reply.value) == (500, {"error": words})

    async def test_unknown_options_and_fields_are_ignored(self, served: Served) -> None:
        said = await served.say(options={"no_such_option": "x"}, no_such_field=1)
        assert said["message"]["content"]

    async def test_options_outside_options_are_ignored(self, served: Served) -> None:
        said = await served.say(num_predict=2, seed="not a number", temperature="hot")
        assert said["eval_count"] == 2

    async def test_think_false_is_taken_by_a_model_that_cannot(self, served: Served) -> None:
        said = await served.say(think=False)
        assert said["message"]["content"]
        assert "thinking" not in said["message"]

    async def test_think_true_is_refused_by_a_model_that_cannot(self, served: Served) -> None:
        reply = await served.chat(think=True)
        assert reply.status == 400
        assert reply.value["error"].endswith("does not support thinking")


class TestFormat:
    async def test_a_schema_gives_json_of_that_shape(self, served: Served) -> None:
        messages = [{"role": "user", "content": 'Answer {"n": 1} in JSON.'}]
        said = await served.say(messages=messages, format=SCHEMA, num_predict=16)
        assert json.loads(said["message"]["content"])["n"] in (1, 2)

    async def test_json_begins_an_object(self, served: Served) -> None:
        said = await served.say(format="json", num_predict=2)
        assert said["message"]["content"].startswith("{")

    async def test_an_unknown_format_is_an_error_line_with_200(self, served: Served) -> None:
        reply = await served.chat(format="xml")
        assert (reply.status, reply.kind) == (200, "application/x-ndjson")
        (line,) = reply.lines
        assert line["error"].startswith("invalid format: ")
        whole = await served.chat(format="xml", stream=False)
        assert (whole.status, whole.value) == (500, line)


async def _loaded(served: Served) -> set[str]:
    return {entry["name"] for entry in (await served.ask("/api/ps")).value["models"]}


def _end(reply: dict[str, Any]) -> tuple[str, str, bool]:
    return reply["message"]["content"], reply["done_reason"], reply["done"]
