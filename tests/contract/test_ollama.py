"""What every Ollama does, told by raw HTTP: models, embeddings, words for errors."""

from __future__ import annotations

import math

import pytest

from .asking import CHAT_MODEL, EMBEDDING_MODEL, SHORT, Served

pytestmark = pytest.mark.timeout(300)

TOO_LONG = "word " * 600  # for the 512 tokens of all-MiniLM


class TestServer:
    async def test_says_that_it_runs(self, served: Served) -> None:
        reply = await served.ask("/")
        assert (reply.status, reply.kind, reply.text) == (200, "text/plain", "Ollama is running")
        assert (await served.ask("/", method="HEAD")).status == 200

    async def test_tells_its_version(self, served: Served) -> None:
        reply = await served.ask("/api/version")
        assert (reply.kind, reply.value) == ("application/json", {"version": "0.9.3"})

    async def test_lists_models_with_tags(self, served: Served) -> None:
        models = (await served.ask("/api/tags")).value["models"]
        assert {model["name"] for model in models} == {"all-minilm:latest", CHAT_MODEL}
        for model in models:
            assert model["model"] == model["name"]
            assert {"digest", "size", "modified_at", "details"} <= set(model)

    @pytest.mark.parametrize(
        ("path", "method", "status", "text"),
        [
            ("/nowhere", "GET", 404, "404 page not found"),
            ("/api/nowhere", "POST", 404, "404 page not found"),
            ("/api/chat", "GET", 405, "405 method not allowed"),
            ("/api/tags", "POST", 405, "405 method not allowed"),
        ],
    )
    async def test_unknown_paths_and_methods_get_plain_text(
        self, served: Served, path: str, method: str, status: int, text: str
    ) -> None:
        reply = await served.ask(path, method=method)
        assert (reply.status, reply.kind, reply.text) == (status, "text/plain", text)

    async def test_shows_an_embedding_model(self, served: Served) -> None:
        shown = (await served.ask("/api/show", {"model": EMBEDDING_MODEL})).value
        assert shown["capabilities"] == ["embedding"]
        facts = shown["model_info"]
        architecture = facts["general.architecture"]
        assert facts[f"{architecture}.embedding_length"] == 384
        assert facts[f"{architecture}.context_length"] == 512

    async def test_shows_a_model_that_chats(self, served: Served) -> None:
        shown = (await served.ask("/api/show", {"model": CHAT_MODEL})).value
        assert shown["capabilities"] == ["completion"]
        facts = shown["model_info"]
        assert facts[f"{facts['general.architecture']}.context_length"] >= 512

    @pytest.mark.parametrize("path", ["/api/show", "/api/embed", "/api/chat"])
    async def test_a_missing_model_is_404(self, served: Served, path: str) -> None:
        reply = await served.ask(path, {"model": "nope", "input": "x", "messages": SHORT})
        assert (reply.status, reply.kind) == (404, "application/json")
        assert "not found" in reply.value["error"]

    @pytest.mark.parametrize("path", ["/api/show", "/api/chat"])
    async def test_a_model_must_be_named(self, served: Served, path: str) -> None:
        reply = await served.ask(path, {"messages": SHORT})
        assert (reply.status, reply.value) == (400, {"error": "model is required"})

    @pytest.mark.parametrize("path", ["/api/embed", "/api/chat"])
    async def test_a_body_must_be_there_and_be_json(self, served: Served, path: str) -> None:
        empty = await served.ask(path, body=b"", method="POST")
        assert (empty.status, empty.value) == (400, {"error": "missing request body"})
        broken = await served.ask(path, body=b"{nope")
        assert broken.status == 400
        assert broken.value["error"].startswith("invalid character")

    async def test_another_host_name_is_forbidden(self, served: Served) -> None:
        reply = await served.ask("/api/version", headers={"Host": "evil.example"})
        assert (reply.status, reply.text) == (403, "")

    async def test_a_pull_that_fails_is_500_or_an_error_line_with_200(self, served: Served) -> None:
        model = "localhost:1/nobody/nothing"  # nobody listens there
        streamed = await served.ask("/api/pull", {"model": model})
        assert (streamed.status, streamed.kind) == (200, "application/x-ndjson")
        assert streamed.lines[0] == {"status": "pulling manifest"}
        assert streamed.lines[-1]["error"].startswith("pull model manifest: ")
        whole = await served.ask("/api/pull", {"model": model, "stream": False})
        assert (whole.status, whole.kind) == (500, "application/json")
        assert whole.value["error"].startswith("pull model manifest: ")


class TestEmbed:
    @pytest.mark.parametrize("given", ["", []], ids=["empty text", "no texts"])
    async def test_nothing_gives_no_vectors(self, served: Served, given: object) -> None:
        reply = await served.embed(input=given)
        assert (reply.status, reply.value["embeddings"]) == (200, [])

    async def test_a_missing_input_gives_no_vectors(self, served: Served) -> None:
        reply = await served.embed()
        assert (reply.status, reply.value["embeddings"]) == (200, [])

    async def test_an_empty_text_in_a_list_has_a_vector(self, served: Served) -> None:
        assert [len(vector) for vector in await served.vectors("hi", "")] == [384, 384]

    @pytest.mark.parametrize("given", [[1, 2], 5, {"a": "b"}], ids=str)
    async def test_what_is_no_text_is_refused(self, served: Served, given: object) -> None:
        reply = await served.embed(input=given)
        assert (reply.status, reply.value) == (400, {"error": "invalid input type"})

    async def test_vectors_are_unit_and_the_counts_are_told(self, served: Served) -> None:
        reply = (await served.embed(input=["why is the sky blue", "an invoice"])).value
        assert reply["model"] == EMBEDDING_MODEL
        for vector in reply["embeddings"]:
            assert math.hypot(*vector) == pytest.approx(1.0, abs=1e-4)
        assert reply["prompt_eval_count"] > 0
        assert reply["total_duration"] > 0
        assert reply["load_duration"] > 0

    async def test_alone_and_together_are_the_same(self, served: Served) -> None:
        first, second = await served.vectors("lock my timesheets", "send an invoice")
        assert await served.vectors("lock my timesheets") == [first]
        assert (await served.embed(input="send an invoice")).value["embeddings"] == [second]
        assert first != second

    async def test_nearer_texts_have_nearer_vectors(self, served: Served) -> None:
        asked, near, far = await served.vectors(
            "How do I reset my password?", "reset your password here", "chocolate cake with cream"
        )
        assert _dot(asked, near) > _dot(asked, far) + 0.2

    async def test_dimensions_are_ignored_by_this_version(self, served: Served) -> None:
        (vector,) = (await served.embed(input="x", dimensions=10)).value["embeddings"]
        assert len(vector) == 384

    async def test_too_long_is_refused_when_it_may_not_be_cut(self, served: Served) -> None:
        reply = await served.embed(input=["fine", TOO_LONG], truncate=False)
        words = "input length exceeds maximum context length"
        assert (reply.status, reply.value) == (400, {"error": words})

    async def test_too_long_is_cut_by_default(self, served: Served) -> None:
        reply = (await served.embed(input=TOO_LONG)).value
        assert len(reply["embeddings"]) == 1
        assert reply["prompt_eval_count"] == 512

    async def test_an_option_of_another_type_is_500(self, served: Served) -> None:
        reply = await served.embed(input="x", options={"num_ctx": "big"})
        assert (reply.status, reply.value) == (
            500,
            {"error": 'option "num_ctx" must be of type integer'},
        )


def _dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
