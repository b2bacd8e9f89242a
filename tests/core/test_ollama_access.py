"""How Ollama is reached: the key, redirects, proxies of the environment, the warning."""

from __future__ import annotations

import itertools
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import encode_basic_auth, web

from core.errors import ModelUnavailable, SettingsError
from core.ollama_access import proxy_for

from ..ollama import Fault, ScriptedOllama
from ..ollama_asking import MESSAGES, OPTIONS, client, closed_port

KEY = "sk-hunter2-hunter2-hunter2"
PUBLIC = itertools.count(1)  # a warning comes once for an address


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def served(
    make_reply: Callable[[], web.Response],
) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Serve one kind of reply; gives the address and what was asked."""
    asked: list[web.Request] = []

    async def serve(request: web.Request) -> web.Response:
        asked.append(request)
        return make_reply()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def told_version() -> web.Response:
    return web.json_response({"version": "1.2.3"})


def names_lead_to(monkeypatch: pytest.MonkeyPatch, address: str, port: int = 80) -> None:
    def lookup(host: str, *_: Any, **__: Any) -> list[Any]:
        if host == "nowhere.test":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        found = host if host[0].isdigit() else address
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


class TestKey:
    async def test_is_sent_as_bearer(self, ollama: ScriptedOllama) -> None:
        ollama.api_key = KEY
        async with client(ollama.url, api_key=f" {KEY}\n") as asking:
            await asking.version()
            await asking.chat("llama3.2", MESSAGES, options=OPTIONS)
            await asking.embed("nomic-embed-text", ["a"])
        assert {r.headers["Authorization"] for r in ollama.requests} == {f"Bearer {KEY}"}

    async def test_none_is_sent_without_one(self, ollama: ScriptedOllama) -> None:
        async with client(ollama.url) as asking:
            await asking.version()
        assert "Authorization" not in ollama.requests[0].headers

    @pytest.mark.parametrize("key", ["hunter2\r\nX-Evil: 1", "hunter 2", "hünter2", "hunter2\x00x"])
    def test_what_cannot_stand_in_a_header_is_refused_unseen(self, key: str) -> None:
        with pytest.raises(SettingsError, match="OLLAMA_API_KEY") as raised:
            client("http://127.0.0.1", api_key=key)
        assert "nter" not in str(raised.value)

    async def test_a_wrong_one_is_named_not_shown(self, ollama: ScriptedOllama) -> None:
        ollama.api_key = "another"
        async with client(ollama.url, api_key=KEY) as asking:
            with pytest.raises(ModelUnavailable, match=r"\[hint: check OLLAMA_API_KEY\]$"):
                await asking.chat("llama3.2", MESSAGES, options=OPTIONS)

    @pytest.mark.parametrize("key", [KEY, "short"])
    async def test_never_comes_back_in_errors_logs_or_repr(
        self, key: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        def reply() -> web.Response:
            return web.json_response({"error": f"bad key {key}."}, status=503)

        async with served(reply) as (url, asked), client(url, api_key=key, retries=1) as asking:
            with pytest.raises(ModelUnavailable) as raised:
                await asking.version()
            assert len(asked) == 2
            assert key not in f"{raised.value} {asking!r} {caplog.text}"

    async def test_does_not_follow_a_redirect(self, ollama: ScriptedOllama) -> None:
        async with ScriptedOllama() as second, client(ollama.url, api_key=KEY) as asking:
            ollama.redirect_to = second.url
            ollama.fail(Fault.REDIRECT)
            with pytest.raises(ModelUnavailable):
                await asking.chat("llama3.2", MESSAGES, options=OPTIONS)
            assert second.requests == []

    async def test_netrc_is_not_read(
        self, ollama: ScriptedOllama, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login me password hunter2\n")
        monkeypatch.setenv("NETRC", str(netrc))
        async with client(ollama.url) as asking:
            await asking.version()
        assert "Authorization" not in ollama.requests[0].headers


class TestRedirects:
    @pytest.mark.parametrize(
        ("location", "shown", "wanted"),
        [
            (
                "https://me:hunter2@other.example/api/version?token=hunter2#hunter2",
                " to https://other.example/api/version",
                "[hint: set OLLAMA_URL to https://other.example if that is meant]",
            ),
            ("/login", " to {url}/login", "[hint: set OLLAMA_URL to {url}/login if that is meant]"),
            ("javascript:hunter2", "", "[hint: check OLLAMA_URL]"),
            ("http://[hunter2", "", "[hint: check OLLAMA_URL]"),
            (f"https://other.example/{KEY}", "", "[hint: check OLLAMA_URL]"),
            ("https://other.example/" + "x" * 300, "", "[hint: check OLLAMA_URL]"),
            ("", "", "[hint: check OLLAMA_URL]"),
        ],
    )
    async def test_name_the_target_and_nothing_secret(
        self, location: str, shown: str, wanted: str
    ) -> None:
        def reply() -> web.Response:
            return web.Response(status=308, headers={"Location": location})

        async with served(reply) as (url, asked), client(url, api_key=KEY) as asking:
            with pytest.raises(ModelUnavailable) as raised:
                await asking.version()
        shown, wanted = shown.format(url=url), wanted.format(url=url)
        assert str(raised.value) == (
            f"{url} redirects /api/version{shown}, and redirects are not followed. {wanted}"
        )
        assert len(asked) == 1


class TestProxies:
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:11434",
            "http://127.1",
            "http://[::1]:11434",
            "http://localhost:11434",
            "http://ollama.localhost",
            "http://192.168.1.5:11434",
            "http://10.0.0.1",
            "http://[fd00::1]",
            "http://100.64.0.1",
            "http://ollama:11434",
            "http://spared.example",
            "http://deep.spared.example:11434",
            "https://ollama.example",
        ],
    )
    def test_what_is_near_or_spared_has_none(
        self, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
        monkeypatch.setenv("NO_PROXY", "spared.example")
        assert proxy_for(url) is None

    @pytest.mark.parametrize(
        ("variable", "url"),
        [
            ("HTTP_PROXY", "http://ollama.example"),
            ("http_proxy", "http://8.8.8.8:11434"),
            ("HTTPS_PROXY", "https://ollama.example:11434"),
        ],
    )
    def test_others_have_the_one_of_their_scheme(
        self, monkeypatch: pytest.MonkeyPatch, variable: str, url: str
    ) -> None:
        monkeypatch.setenv(variable, "me:hunter%402@proxy.example:3128")
        proxy = proxy_for(url)
        assert proxy is not None
        assert proxy.url == "http://proxy.example:3128"
        assert proxy.headers == {"Authorization": encode_basic_auth("me", "hunter@2")}
        assert "hunter" not in repr(proxy)

    @pytest.mark.parametrize(
        "proxy",
        [
            "socks5://me:hunter2@proxy.example",
            "http://",
            "http://me:hunter2@proxy:port",
            "http://169.254.169.254:80",
        ],
    )
    def test_one_that_must_not_be_used_is_refused_unseen(
        self, monkeypatch: pytest.MonkeyPatch, proxy: str
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        with pytest.raises(SettingsError, match=r"^HTTP_PROXY must") as raised:
            client("http://ollama.example")
        assert "hunter2" not in str(raised.value)

    @pytest.mark.parametrize("name", ["ollama.test", "nowhere.test"])
    async def test_is_used(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        async with served(told_version) as (proxy, asked):
            monkeypatch.setenv("HTTP_PROXY", proxy.replace("http://", "http://me:pass@"))
            names_lead_to(monkeypatch, "10.0.0.7")
            async with client(f"http://{name}", api_key=KEY) as asking:
                assert await asking.version() == "1.2.3"
        assert asked[0].headers["Host"] == name
        assert asked[0].headers["Proxy-Authorization"].startswith("Basic ")
        assert asked[0].headers["Authorization"] == f"Bearer {KEY}"

    async def test_is_not_asked_for_a_forbidden_address(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with served(told_version) as (proxy, asked):
            monkeypatch.setenv("HTTP_PROXY", proxy)
            names_lead_to(monkeypatch, "169.254.169.254")
            async with client("http://ollama.test") as asking:
                with pytest.raises(ModelUnavailable, match="link-local or metadata address"):
                    await asking.version()
        assert asked == []

    async def test_is_named_when_it_is_down(self, monkeypatch: pytest.MonkeyPatch) -> None:
        proxy = f"127.0.0.1:{closed_port()}"
        monkeypatch.setenv("HTTP_PROXY", f"http://me:hunter2@{proxy}")
        names_lead_to(monkeypatch, "10.0.0.7")
        async with client("http://ollama.test") as asking:
            with pytest.raises(
                ModelUnavailable, match=f"through the proxy http://{proxy}: "
            ) as got:
                await asking.version()
        assert "hunter2" not in str(got.value)


class TestWarning:
    def test_comes_once_for_plain_http_to_a_public_address(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        url = f"http://8.8.4.{next(PUBLIC)}"
        for harmless in ("http://127.0.0.1", "https://8.8.8.8", "http://10.0.0.1"):
            client(harmless)
        assert caplog.messages == []
        client(url)
        client(url)
        assert caplog.messages == [
            f"OLLAMA_URL is plain http to a public address ({url}): questions travel unencrypted. "
            "[hint: use https, or a tunnel]"
        ]

    def test_speaks_of_the_key(self, caplog: pytest.LogCaptureFixture) -> None:
        client(f"http://8.8.4.{next(PUBLIC)}", api_key=KEY)
        assert "questions and OLLAMA_API_KEY travel unencrypted" in caplog.text
        assert KEY not in caplog.text

    @pytest.mark.parametrize(("address", "count"), [("8.8.8.8", 1), ("10.0.0.7", 0)])
    async def test_comes_for_a_name_that_leads_to_one(
        self,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        address: str,
        count: int,
    ) -> None:
        names_lead_to(monkeypatch, address)
        # Nothing is sent: the connection is given up at once.
        url = f"http://name-{next(PUBLIC)}.test"
        async with client(url, connect_seconds=0.05) as asking:
            for _ in range(2):
                with pytest.raises(ModelUnavailable):
                    await asking.version()
        assert len([text for text in caplog.messages if "plain http" in text]) == count
