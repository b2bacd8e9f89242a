"""Which addresses OLLAMA_URL may name."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest

from core.errors import ModelUnavailable, SettingsError
from core.ollama_url import GuardedResolver

from ..ollama_asking import (
    client,
)


class TestAddress:
    @pytest.mark.parametrize(
        ("url", "kept"),
        [
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
            (" https://ollama.example/base/ ", "https://ollama.example/base"),
            ("http://[::1]:11434", "http://[::1]:11434"),
            ("http://192.168.1.5", "http://192.168.1.5"),
        ],
    )
    def test_keeps_good_addresses(self, url: str, kept: str) -> None:
        assert client(url).url == kept

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("127.0.0.1:11434", "must start with http:// or https://"),
            ("ftp://host", "must start with http:// or https://"),
            ("file:///etc/passwd", "must start with http:// or https://"),
            ("", "must start with http:// or https://"),
            ("http://", "must name a host"),
            ("http://host:99999", r"not an address like .*11434 \(got 'http://host:99999'\)\.$"),
            ("http://host:0", "must name a host"),
            ("http://[::1", r"not an address like .*11434 \(got 'http://\[::1'\)\.$"),
            ("http://a b", "must name a host"),
            ("http://host/?x=1", "must not hold a query or a fragment"),
            ("http://host/#x", "must not hold a query or a fragment"),
            ("http://169.254.169.254", "link-local or metadata"),
            ("http://169.254.1.1:80/latest", "link-local or metadata"),
            ("http://2852039166", "link-local or metadata"),
            ("http://0xa9fea9fe", "link-local or metadata"),
            ("http://①⑥⑨.254.169.254", "link-local or metadata"),
            ("http://[fe80::1]", "link-local or metadata"),
            ("http://[::ffff:169.254.169.254]", "link-local or metadata"),
            ("http://[fd00:ec2::254]", "link-local or metadata"),
            ("http://[64:ff9b::a9fe:a9fe]", "link-local or metadata"),
            ("http://100.100.100.200", "link-local or metadata"),
            ("http://metadata.google.internal.", "link-local or metadata"),
        ],
    )
    def test_refuses_bad_addresses_by_name(self, url: str, reason: str) -> None:
        with pytest.raises(SettingsError, match=reason) as raised:
            client(url)
        assert str(raised.value).startswith("OLLAMA_URL ")

    @pytest.mark.parametrize(
        "url",
        [
            "http://me:hunter2@host",
            "http://hunter2@host",
            "ftp://me:hunter2@host",
            "hunter2@host",
            "http://me:hunter2@host:99999",
            "http://me:hunt@er2@[::1",
            "me:hunter2@[::1",
        ],
    )
    def test_never_repeats_a_password(self, url: str) -> None:
        with pytest.raises(SettingsError, match=r"OLLAMA_URL (must|is not)") as raised:
            client(url)
        assert not re.search("hunt|er2|me:", str(raised.value))

    def test_shows_the_rest_of_what_holds_one(self) -> None:
        with pytest.raises(SettingsError, match=r"\(got 'http://…@host:99999'\)\.$"):
            client("http://me:hunter2@host:99999")

    async def test_a_name_that_leads_to_metadata_is_not_followed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_up: list[Any] = []

        def lookup(*name: Any, **_: Any) -> list[Any]:
            looked_up.append(name)
            address = ("169.254.169.254", 80)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        async with client("http://ollama.test", retries=3) as asking:
            with pytest.raises(ModelUnavailable, match="link-local or metadata address") as raised:
                await asking.version()
        assert str(raised.value).endswith("increase CHAT_CONNECT_TIMEOUT]")
        assert len(looked_up) == 1  # trying again would not change it

    async def test_the_resolver_passes_other_names(self) -> None:
        found = await GuardedResolver().resolve("127.0.0.1", 80)
        assert [entry["host"] for entry in found] == ["127.0.0.1"]
