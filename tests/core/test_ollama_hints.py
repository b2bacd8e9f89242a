"""What is said without a connection, TLS, a key, memory: the cause, and what to do."""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from core.errors import ModelUnavailable
from core.ollama_hints import why_no_connection
from core.ollama_reply import is_unreachable

from ..ollama import Fault, ScriptedOllama, Written
from ..ollama_asking import CHAT_PATH, EMBED_PATH, MESSAGES, OPTIONS, ask, client, closed_port

TLS_WANTED = "[hint: set OLLAMA_URL to https://…]"


@asynccontextmanager
async def answering(reply: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Answer each connection with some bytes; gives the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Make a certificate that nobody trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    folder: Path = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    )
    subprocess.run(
        [*made.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def told(url: str, path: str = CHAT_PATH) -> str:
    with pytest.raises(ModelUnavailable) as raised:
        await ask(url, path)
    return str(raised.value)


class TestNoConnection:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    async def test_refused(self, host: str) -> None:
        url = f"http://{host}:{closed_port()}"
        assert await told(url) == (
            f"Cannot reach Ollama at {url}: connection refused: is Ollama running there? "
            "[hint: check OLLAMA_URL or increase CHAT_CONNECT_TIMEOUT]"
        )

    async def test_a_name_that_nobody_knows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lookup(*_: Any, **__: Any) -> list[Any]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        assert (await told("http://olama.test")).startswith(
            "Cannot reach Ollama at http://olama.test: host name not known. [hint: check OLLAMA_URL"
        )

    @pytest.mark.parametrize(
        ("error", "why"),
        [
            (
                OSError(errno.EHOSTUNREACH, "Connect call failed ('10.0.0.1', 1)"),
                "no route to host",
            ),
            (OSError(errno.ECONNREFUSED, "Multiple exceptions: …"), "connection refused: is Ollam"),
            (OSError(), "the connection failed."),
            (OSError(-77, "odd"), "the connection failed."),
        ],
        ids=["unreachable", "refused twice", "bare", "unknown"],
    )
    def test_other_causes(self, error: OSError, why: str) -> None:
        assert why_no_connection(error).startswith(why)


class TestTls:
    async def test_a_certificate_that_is_not_trusted(self, tls: ssl.SSLContext) -> None:
        async with answering(b"", tls) as port:
            assert await told(f"https://127.0.0.1:{port}") == (
                f"Cannot reach Ollama at https://127.0.0.1:{port}: its certificate is not trusted. "
                "[hint: check the name in OLLAMA_URL, or make this machine trust the certificate]"
            )

    async def test_https_to_an_ollama_that_has_none(self, ollama: ScriptedOllama) -> None:
        url = ollama.url.replace("http", "https")
        assert await told(url) == (
            f"Cannot reach Ollama at {url}: TLS failed. "
            "[hint: check OLLAMA_URL; Ollama itself speaks http://, not https://]"
        )

    async def test_http_to_a_server_that_wants_tls(self, tls: ssl.SSLContext) -> None:
        async with answering(b"", tls) as port:
            said = await told(f"http://127.0.0.1:{port}")
        assert "closed the connection before it was done" in said
        assert said.endswith("or set OLLAMA_URL to https://… if it takes only that]")

    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (b"\x15\x03\x01\x00\x02\x02\x46", "does not speak HTTP."),
            (
                b"HTTP/1.0 400 Bad Request\r\n\r\n"
                b"Client sent an HTTP request to an HTTPS server.\n",
                "takes https only (HTTP 400).",
            ),
        ],
        ids=["alert", "Go"],
    )
    async def test_one_that_says_so(self, reply: bytes, words: str) -> None:
        async with answering(reply) as port:
            said = await told(f"http://127.0.0.1:{port}")
        assert f"http://127.0.0.1:{port} {words} {TLS_WANTED}" in said

    async def test_another_400_is_none(self) -> None:
        async with answering(b"HTTP/1.0 400 Bad Request\r\n\r\nno") as port:
            assert "does not answer like an Ollama" in await told(f"http://127.0.0.1:{port}")


async def test_without_a_key_it_is_the_key_that_is_missing(ollama: ScriptedOllama) -> None:
    ollama.api_key = "another"
    assert await told(ollama.url) == (
        f"{ollama.url} does not let us ask /api/chat without a key (HTTP 401: unauthorized). "
        "OLLAMA_API_KEY is not set. [hint: set OLLAMA_API_KEY or check OLLAMA_URL]"
    )


async def test_a_proxy_without_its_ollama_is_not_busy(ollama: ScriptedOllama) -> None:
    ollama.fail(Fault.BAD_GATEWAY)
    with pytest.raises(ModelUnavailable) as raised:
        await ask(ollama.url, CHAT_PATH)
    assert str(raised.value) == (
        f"A proxy at {ollama.url} says that Ollama does not answer (HTTP 502). "
        "[hint: look whether Ollama runs behind it]"
    )
    assert is_unreachable(raised.value)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        (CHAT_PATH, "[hint: reduce NUM_CTX or use a smaller GEN_MODEL]"),
        (EMBED_PATH, "[hint: use a smaller EMB_MODEL]"),
    ],
)
async def test_too_little_memory(ollama: ScriptedOllama, path: str, hint: str) -> None:
    ollama.fail(Fault.NO_MEMORY)
    said = await told(ollama.url, path)
    assert "model requires more system memory" in said
    assert said.endswith(hint)


async def test_too_little_memory_in_the_middle_of_an_answer(ollama: ScriptedOllama) -> None:
    ollama.fail(Fault.ERROR_LINE)
    ollama.error_words = "cudaMalloc failed: out of memory"
    assert (await told(ollama.url)).endswith(
        "stopped while answering: cudaMalloc failed: out of memory. "
        "[hint: reduce NUM_CTX or use a smaller GEN_MODEL]"
    )


async def test_what_began_as_an_answer_does_come_from_an_ollama(ollama: ScriptedOllama) -> None:
    ollama.fail(Fault.BAD_JSON, times=1)
    assert (await told(ollama.url)).endswith(
        "sent something that is not JSON. "
        "[hint: look at the log of Ollama, and of a proxy before it]"
    )
    ollama.fail(Fault.OVERSIZED_LINES)
    assert (await told(ollama.url)).endswith(
        "sent more than 1,048,576 bytes. [hint: reduce NUM_PREDICT or use another GEN_MODEL]"
    )


@pytest.mark.parametrize(("num_predict", "is_whole"), [(8192, True), (512, False)])
async def test_a_long_answer_may_be_as_long_as_it_was_allowed_to_be(
    ollama: ScriptedOllama, num_predict: int, is_whole: bool
) -> None:
    """Each word is a line of more than 130 bytes."""
    ollama.script = lambda _: Written("word " * 8190 + "end.", done_reason="stop")
    ollama.ignores_num_predict = True
    options = {**OPTIONS, "num_predict": num_predict}
    async with client(ollama.url) as asking:
        asked = asking.chat("llama3.2", MESSAGES, options=options)
        if is_whole:
            assert (await asked).text.endswith("word end.")
        else:
            with pytest.raises(ModelUnavailable, match="sent more than 1,048,576 bytes"):
                await asked
