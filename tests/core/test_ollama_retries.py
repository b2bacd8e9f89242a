"""When the Ollama client asks again, and when it must not; how long a call may take in all."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ModelTimeout, ModelUnavailable
from core.ollama import Unreachable
from core.ollama_retry import Attempts, Refused, retry_after_seconds

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import (
    CHAT_PATH,
    EMBED_PATH,
    MESSAGES,
    OPTIONS,
    ask,
    client,
    closed_port,
    settled,
)


class TestRetries:
    @pytest.mark.parametrize("fault", [Fault.BUSY, Fault.RATE_LIMITED])
    async def test_tries_again_when_busy(self, ollama: ScriptedOllama, fault: Fault) -> None:
        ollama.fail(fault, times=2)
        await ask(ollama.url, CHAT_PATH, retries=2)
        assert len(ollama.requests) == 3

    async def test_default_is_one_try(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.BUSY, times=1)
        with pytest.raises(ModelUnavailable, match=r"is busy \(HTTP 503: server busy") as raised:
            await ask(ollama.url, CHAT_PATH)
        assert len(ollama.requests) == 1
        assert ollama.url in str(raised.value)

    async def test_gives_up_after_the_last_try(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.BUSY)
        with pytest.raises(ModelUnavailable, match="is busy"):
            await ask(ollama.url, EMBED_PATH, count=2, retries=2)
        assert len(ollama.requests) == 3  # and no bisecting: the input is not to blame

    async def test_waits_as_long_as_told(self, ollama: ScriptedOllama) -> None:
        ollama.retry_after = "0.5"
        ollama.fail(Fault.RATE_LIMITED, times=1)
        started = time.monotonic()
        await ask(ollama.url, CHAT_PATH, retries=1)
        assert 0.45 <= time.monotonic() - started < 3

    @pytest.mark.parametrize("form", ["seconds", "date"])
    async def test_does_not_wait_beyond_the_deadline(
        self, ollama: ScriptedOllama, form: str
    ) -> None:
        moment = datetime.now(UTC) + timedelta(hours=1)
        ollama.retry_after = "3600" if form == "seconds" else format_datetime(moment, usegmt=True)
        ollama.fail(Fault.RATE_LIMITED)
        started = time.monotonic()
        with pytest.raises(ModelUnavailable, match="HTTP 429"):
            await ask(ollama.url, CHAT_PATH, retries=3)
        assert time.monotonic() - started < 1
        assert len(ollama.requests) == 1

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7.0),
            ("3600", 30.0),
            ("-5", 0.0),
            ("inf", 30.0),
            ("nan", None),
            ("soon", None),
            ("", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
            ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
            ("Wed, 21 Oct 2065 07:28:00 GMT", 30.0),
            ("01 Jan 9999 23:59:59 -2359", 30.0),
            ("01 Jan 2026 00:00:00 +99999999999999999999", None),
            ("99999999999999999999 Jan 2026 00:00:00 GMT", None),
        ],
    )
    def test_bounds_what_it_is_told(self, value: str, seconds: float | None) -> None:
        assert retry_after_seconds(value) == seconds

    @given(
        st.from_regex(r"\A(\w{3}, )?\d{1,25} [A-Z][a-z]{2} \d{1,25} \d\d:\d\d:\d\d [+-]?\d{0,25}\Z")
        | st.text()
    )
    def test_never_fails_at_what_it_is_told(self, value: str) -> None:
        seconds = retry_after_seconds(value)
        assert seconds is None or 0.0 <= seconds <= 30.0

    async def test_tries_again_to_connect(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="core.ollama_retry")
        port = closed_port()
        async with client(f"http://127.0.0.1:{port}", retries=8) as asking, asyncio.timeout(10):
            asked = asyncio.create_task(asking.version())
            while not caplog.messages:
                await asyncio.sleep(0.01)
            async with ScriptedOllama(port=port):
                assert await asked == "0.9.3"
        assert caplog.messages[0] == "Ollama: attempt 1 failed: ClientConnectorError"

    @pytest.mark.parametrize("fault", [Fault.RESET, Fault.HALF, Fault.CLOSED])
    async def test_embeddings_survive_broken_connections(
        self, ollama: ScriptedOllama, fault: Fault
    ) -> None:
        ollama.fail(fault, times=2)
        await ask(ollama.url, EMBED_PATH, retries=2)
        assert len(ollama.requests) == 3


# What a generation may meet before its first token.
EARLY = [Fault.CLOSED, Fault.CRASHED, Fault.ERROR_FIRST, Fault.RESET, Fault.NO_DONE]
LATE = [Fault.ERROR_LINE, Fault.RESET, Fault.NO_DONE, Fault.BAD_JSON, Fault.STALL]


class TestGenerations:
    def test_one_that_a_proxy_gave_up_is_begun_once_more(self) -> None:
        refused = Refused(504, detail="", is_ollama=False, retry_after_seconds=None, location="")
        generation, embedding = Attempts(is_generation=True), Attempts(is_generation=False)
        assert [generation.may_repeat(refused) for _ in range(3)] == [True, False, False]
        assert all(embedding.may_repeat(refused) for _ in range(3))

    @pytest.mark.parametrize("fault", EARLY)
    async def test_one_that_wrote_nothing_is_begun_once_more(
        self, ollama: ScriptedOllama, fault: Fault
    ) -> None:
        ollama.pieces_before_fault = 0
        answer = ollama.script
        if fault is Fault.NO_DONE:
            ollama.script = lambda messages: "" if len(ollama.requests) == 1 else answer(messages)
        ollama.fail(fault, times=1)
        await ask(ollama.url, CHAT_PATH, retries=2)
        assert len(ollama.requests) == 2

    @pytest.mark.parametrize("fault", EARLY)
    @pytest.mark.parametrize(("retries", "asked"), [(0, 1), (3, 2)])
    async def test_but_only_once(
        self, ollama: ScriptedOllama, fault: Fault, retries: int, asked: int
    ) -> None:
        ollama.pieces_before_fault = 0
        ollama.script = lambda messages: ""
        ollama.fail(fault)
        with pytest.raises(ModelUnavailable):
            await ask(ollama.url, CHAT_PATH, retries=retries)
        assert len(ollama.requests) == asked

    @pytest.mark.parametrize("fault", LATE)
    async def test_one_that_wrote_a_token_is_never_begun_again(
        self, ollama: ScriptedOllama, fault: Fault
    ) -> None:
        ollama.fail(fault, times=1)
        with pytest.raises(ModelUnavailable):
            await ask(ollama.url, CHAT_PATH, retries=3, read_seconds=0.3)
        assert len(ollama.requests) == 1

    async def test_a_thought_is_a_token(self) -> None:
        async with ScriptedOllama(version="0.13.0") as ollama:
            ollama.thought = "Let me think about this"
            ollama.fail(Fault.NO_THINK, times=1)  # asked again without it, so that it thinks
            ollama.fail(Fault.RESET)
            with pytest.raises(ModelUnavailable):
                await ask(ollama.url, CHAT_PATH, retries=3)
            assert len(ollama.requests) == 2

    async def test_one_that_hangs_is_not_begun_again(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.HANG, times=1)
        with pytest.raises(ModelTimeout):
            await ask(ollama.url, CHAT_PATH, retries=3, read_seconds=0.2)
        assert len(ollama.requests) == 1

    async def test_busy_and_broken_are_counted_apart(self, ollama: ScriptedOllama) -> None:
        ollama.fail(Fault.BUSY, times=1)
        ollama.fail(Fault.CLOSED, times=1)
        ollama.fail(Fault.BUSY, times=1)
        await ask(ollama.url, CHAT_PATH, retries=3)
        assert len(ollama.requests) == 4


class TestTime:
    async def test_the_read_time_out_is_for_each_piece(self, ollama: ScriptedOllama) -> None:
        ollama.piece_seconds = 0.15  # six of them
        async with client(ollama.url, read_seconds=0.6, connect_seconds=0.6) as asking:
            result = await asking.chat("llama3.2", MESSAGES, options=OPTIONS)
        assert result.text == "Open Settings [1]. Then save [2]."

    @pytest.mark.parametrize("fault", [Fault.HANG, Fault.SILENT, Fault.STALL, Fault.DRIP])
    async def test_silence_is_cut_however_it_comes(
        self, ollama: ScriptedOllama, fault: Fault
    ) -> None:
        ollama.fail(fault)
        started = time.monotonic()
        with pytest.raises(ModelTimeout, match="increase CHAT_READ_TIMEOUT"):
            await ask(ollama.url, CHAT_PATH, read_seconds=0.3, connect_seconds=0.3)
        assert time.monotonic() - started < 3

    async def test_bytes_that_make_no_line_are_silence(self) -> None:
        gone = asyncio.Event()

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n")
            with suppress(ConnectionError):
                while not reader.at_eof():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            writer.close()
            gone.set()

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        async with server, asyncio.timeout(8):
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            with pytest.raises(ModelTimeout, match=r"did not answer within 0\.3 s"):
                await ask(url, CHAT_PATH, read_seconds=0.3, connect_seconds=0.3)
            await gone.wait()

    @pytest.mark.parametrize("path", [CHAT_PATH, EMBED_PATH])
    @pytest.mark.parametrize(
        "fault", [Fault.HANG, Fault.TOKEN_DRIP, Fault.DRIP, Fault.BUSY, Fault.RATE_LIMITED]
    )
    async def test_seconds_bound_everything(
        self, ollama: ScriptedOllama, path: str, fault: Fault
    ) -> None:
        ollama.drip_seconds, ollama.retry_after = 0.02, "0.4"
        ollama.fail(fault)
        started = time.monotonic()
        with pytest.raises(ModelUnavailable) as raised:
            await ask(ollama.url, path, retries=10, seconds=0.5)
        assert time.monotonic() - started < 3
        assert isinstance(raised.value, ModelTimeout) or "is busy" in str(raised.value)
        await settled(ollama)
        if fault not in (Fault.BUSY, Fault.RATE_LIMITED):
            assert "was not done after the 0.5 s it had" in str(raised.value)
            assert ollama.cancelled == 1

    async def test_tries_to_embed_share_one_read_time_out(self, ollama: ScriptedOllama) -> None:
        ollama.latency_seconds = 0.4
        ollama.fail(Fault.CLOSED, times=1)
        with pytest.raises(ModelUnavailable):
            await ask(ollama.url, EMBED_PATH, retries=5, read_seconds=0.6, connect_seconds=0.6)

    async def test_no_time_left_asks_nothing(self, ollama: ScriptedOllama) -> None:
        with pytest.raises(ModelTimeout, match="No time was left"):
            await ask(ollama.url, CHAT_PATH, seconds=0.0)
        assert ollama.requests == []

    async def test_seconds_bound_connecting(self) -> None:
        started = time.monotonic()
        with pytest.raises((ModelTimeout, Unreachable)):
            await ask(f"http://127.0.0.1:{closed_port()}", CHAT_PATH, retries=10, seconds=0.5)
        assert time.monotonic() - started < 3
