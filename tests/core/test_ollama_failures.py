"""What the Ollama client does when the server does not: limits, retries, and what it says."""

from __future__ import annotations

import gc
import logging
import socket
import time

import pytest
from aiohttp import web

from core.errors import ModelTimeout, ModelUnavailable

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import (
    CHAT_PATH,
    EMBED_PATH,
    ask,
    client,
    closed_port,
    settled,
)


class TestFailures:
    @pytest.mark.parametrize("path", [CHAT_PATH, EMBED_PATH])
    async def test_nobody_listens(self, path: str) -> None:
        url = f"http://127.0.0.1:{closed_port()}"
        variable = "CHAT" if path == CHAT_PATH else "EMB"
        with pytest.raises(ModelUnavailable) as raised:
            await ask(url, path)
        assert str(raised.value).startswith(f"Cannot reach Ollama at {url}: ")
        assert str(raised.value).endswith(
            f"[hint: check OLLAMA_URL or increase {variable}_CONNECT_TIMEOUT]"
        )

    @pytest.mark.parametrize("path", [CHAT_PATH, EMBED_PATH])
    async def test_a_connection_that_never_opens(self, path: str) -> None:
        # A full backlog: the kernel drops further attempts without a word.
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(server.getsockname())
            variable = "CHAT" if path == CHAT_PATH else "EMB"
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            try:
                with pytest.raises(ModelTimeout, match=r"No connection to .* in 0\.2 s") as got:
                    await ask(url, path, connect_seconds=0.2)
            finally:
                for filler in fillers:
                    filler.close()
        assert str(got.value).endswith(
            f"[hint: check OLLAMA_URL or increase {variable}_CONNECT_TIMEOUT]"
        )

    @pytest.mark.parametrize(
        ("path", "count", "hint"),
        [
            (CHAT_PATH, 1, "increase CHAT_READ_TIMEOUT or reduce context/snippet size"),
            (EMBED_PATH, 1, "increase EMB_READ_TIMEOUT or check OLLAMA_URL"),
            (EMBED_PATH, 2, "increase EMB_READ_TIMEOUT or reduce KB size/chunk length"),
        ],
        ids=["chat", "one text", "many texts"],
    )
    @pytest.mark.parametrize("fault", [Fault.HANG, Fault.STALL, Fault.DRIP])
    async def test_a_server_that_does_not_finish(
        self, ollama: ScriptedOllama, path: str, count: int, hint: str, fault: Fault
    ) -> None:
        ollama.fail(fault, path=path)
        started = time.monotonic()
        with pytest.raises(ModelTimeout, match=r"(within|nothing for) 0\.3 s\. \[hint") as raised:
            await ask(ollama.url, path, count=count, read_seconds=0.3, connect_seconds=0.3)
        assert time.monotonic() - started < 2
        assert str(raised.value).endswith(f"[hint: {hint}]")
        await settled(ollama)
        assert ollama.cancelled == 1  # the server learns that nobody waits

    @pytest.mark.parametrize("path", [CHAT_PATH, EMBED_PATH])
    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            (Fault.CLOSED, "closed the connection"),
            (Fault.NOT_JSON, "sent something that is not JSON"),
        ],
    )
    async def test_replies_that_are_none(
        self, ollama: ScriptedOllama, path: str, fault: Fault, words: str
    ) -> None:
        ollama.fail(fault, path=path)
        with pytest.raises(ModelUnavailable, match=words):
            await ask(ollama.url, path)

    @pytest.mark.parametrize("path", [CHAT_PATH, EMBED_PATH])
    @pytest.mark.parametrize(
        "fault", [Fault.OVERSIZED, Fault.OVERSIZED_LINES, Fault.OVERSIZED_LENGTH]
    )
    async def test_an_endless_body_is_cut(
        self, ollama: ScriptedOllama, path: str, fault: Fault
    ) -> None:
        ollama.fail(fault, path=path)
        with pytest.raises(ModelUnavailable, match=r"sent more than [\d,]+ bytes"):
            await ask(ollama.url, path, retries=2)
        await settled(ollama)
        assert ollama.bytes_sent < 16 * 1024 * 1024  # what the kernel took in advance included
        assert len(ollama.requests) == 1

    async def test_an_endless_error_is_cut(self) -> None:
        sent = 0

        async def serve(request: web.Request) -> web.StreamResponse:
            nonlocal sent
            response = web.StreamResponse(status=500)
            await response.prepare(request)
            while sent < 300 * 1024 * 1024:
                await response.write(b"x" * 65536)
                sent += 65536
            return response

        application = web.Application()
        application.router.add_post("/{path:.*}", serve)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            with pytest.raises(ModelUnavailable, match=r"failed at /api/chat \(HTTP 500\)"):
                await ask(url, CHAT_PATH)
        finally:
            await runner.cleanup()
        assert sent < 16 * 1024 * 1024

    async def test_a_redirect_carries_nothing_to_the_second_host(
        self, ollama: ScriptedOllama
    ) -> None:
        async with ScriptedOllama() as second:
            ollama.redirect_to = second.url
            ollama.fail(Fault.REDIRECT)
            with pytest.raises(ModelUnavailable, match="redirects are not followed"):
                await ask(ollama.url, CHAT_PATH)
            assert second.requests == []

    @pytest.mark.parametrize("path", [CHAT_PATH, EMBED_PATH])
    async def test_an_echoed_question_stays_out_of_errors_and_logs(
        self, ollama: ScriptedOllama, path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        ollama.fail(Fault.ECHO)
        with pytest.raises(ModelUnavailable, match="HTTP 500") as raised:
            await ask(ollama.url, path, retries=1)
        assert "Bluebird" not in str(raised.value)
        assert "Bluebird" not in caplog.text

    @pytest.mark.parametrize("body", ["squeezed", "deep", "list"])
    async def test_odd_bodies_are_errors(self, body: str) -> None:
        async def serve(_: web.Request) -> web.Response:
            text = {"squeezed": '{"version": "0"}', "deep": "[" * 100_000, "list": "[]"}[body]
            response = web.Response(text=text, content_type="application/json")
            if body == "squeezed":  # nobody asked for it, and it may grow past the cap
                response.enable_compression(web.ContentCoding.gzip)
            return response

        application = web.Application()
        application.router.add_get("/api/version", serve)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with client(url) as asking:
                with pytest.raises(ModelUnavailable, match=r"not (JSON|an object)"):
                    await asking.version()
        finally:
            await runner.cleanup()

    async def test_a_silent_server_is_given_up_before_the_connect_limit(
        self, ollama: ScriptedOllama
    ) -> None:
        ollama.fail(Fault.HANG)
        started = time.monotonic()
        with pytest.raises(ModelTimeout, match="increase CHAT_READ_TIMEOUT"):
            await ask(ollama.url, CHAT_PATH, read_seconds=0.2, connect_seconds=9.0)
        assert time.monotonic() - started < 4

    async def test_a_probe_does_not_wait_as_long_as_an_answer(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.HANG)
        async with client(ollama.url, probe_read_seconds=0.2) as asking:
            with pytest.raises(ModelTimeout, match=r"within 0\.2 s\. \[hint: check OLLAMA_URL\]"):
                await asking.version()

    async def test_every_request_has_its_own_connection(self, ollama: ScriptedOllama) -> None:
        await ask(ollama.url, CHAT_PATH)
        assert ollama.requests[0].headers["Connection"] == "close"

    async def test_leaves_no_session_open(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            await asking.version()
        del asking
        gc.collect()  # an unclosed session would warn, and warnings are errors
