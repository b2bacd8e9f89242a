"""What reaches the log: one line per question without its words, and never a secret."""

from __future__ import annotations

import asyncio
import signal

import pytest

from bot.logs import mask
from bot.simulator.server import Simulator
from tests.ollama import ScriptedOllama

from .conftest import is_bot
from .terminal import Terminal

SECRET_WORDS = "Zanzibar"
QUESTION = f"how do I lock timesheets for {SECRET_WORDS}?"


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("token xoxb-123-abc_DEF refused", "token *** refused"),
        ("xapp-1-A0-99-ff00, xoxp-1 and xoxe-2", "***, *** and ***"),
        ("wss://host/link/?ticket=ab%2Fcd.1-2&app_id=A1", "wss://host/link/?ticket=***&app_id=A1"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer ***"),
        ("proxy http://user:secret@host:1/", "proxy http://***@host:1/"),
        ("proxy http://token@host:1/", "proxy http://***@host:1/"),
        ("proxy http://user:p@ss@host:1/", "proxy http://***@host:1/"),
        ("Authorization: Basic dTpw+/8=", "Authorization: Basic ***"),
        ("{'Proxy-Authorization': 'Basic dTpw'}", "{'Proxy-Authorization': 'Basic ***'}"),
        ("Bearer a+b/c=, more", "Bearer ***, more"),
        (
            '"https://hooks.slack.com/commands/T0/1/ab", "x"',
            '"https://hooks.slack.com/***", "x"',
        ),
        (
            r"https:\/\/hooks.slack.com\/actions\/T0\/1\/ab to",
            r"https:\/\/hooks.slack.com\/*** to",
        ),
        ("the Basic plan, Authorization: none", "the Basic plan, Authorization: none"),
        ("box-office at http://host/a@b", "box-office at http://host/a@b"),
    ],
    ids=[
        "bot token",
        "other tokens",
        "socket ticket",
        "bearer",
        "proxy",
        "proxy with a token",
        "at sign in a password",
        "basic",
        "basic in a dictionary",
        "bearer in base64",
        "response url",
        "response url in JSON",
        "no header",
        "nothing",
    ],
)
def test_secrets_are_masked(line: str, masked: str) -> None:
    assert mask(line) == masked


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_the_log_of_run_has_no_token_and_at_info_no_question(
    sim: Simulator, terminal: Terminal, level: str
) -> None:
    running = await terminal.on(sim).start("run", "--log", level)
    try:
        await sim.wait_connected(20)
        await sim.post("U0ANN", "C0GEN", f"@clockify-bot {QUESTION}")
        direct = await sim.post("U0ANN", "D0ANN", f"@clockify-bot {QUESTION}")
        await sim.command("U0ANN", "C0GEN", "/clockify", QUESTION)
        await running.wait_for(lambda: len(outcomes(running.lines)) == 3)
        assert (await running.stop(signal.SIGTERM))[0] == 0
    finally:
        await running.kill()
    assert [m for m in sim.messages("D0ANN", direct) if is_bot(m)]
    surfaces = sorted(line.split("surface=")[1].split()[0] for line in outcomes(running.lines))
    assert surfaces == ["command", "direct", "mention"]
    assert all(" generation=00000001 outcome=" in line for line in outcomes(running.lines))
    assert (sim.bot_token in running.text, sim.app_token in running.text) == (False, False)
    assert "ticket=" not in running.text.replace("ticket=***", "")
    if level == "INFO":
        for private in (SECRET_WORDS, "timesheets", "U0ANN", "Ann Agent"):
            assert private not in running.text
        libraries = ("slack_bolt", "slack_sdk", "aiohttp")
        assert not [line for line in running.lines if any(f" {name}" in line for name in libraries)]


def outcomes(lines: list[str]) -> list[str]:
    """Give the lines that tell how a question ended."""
    return [line for line in lines if "bot.question_log: question " in line]


async def test_what_ollama_is_asked_is_not_logged_at_info(terminal: Terminal) -> None:
    async with ScriptedOllama() as ollama:
        writing = terminal.having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2")
        ended = await writing.run("ask", "How do I lock timesheets?", "--log", "INFO")
        assert ollama.asked("/api/chat")
    assert (ended.code, " INFO " in ended.err) == (0, True)
    assert "timesheets" not in ended.err


@pytest.mark.proof
@pytest.mark.beside
async def test_the_level_can_be_set_by_variable(terminal: Terminal) -> None:
    (terminal.folder / ".env").write_text("LOG_LEVEL=nonsense\nANSWERER=extractive\n")
    told = terminal.having(LOG_LEVEL="info")
    from_file, from_environment = await asyncio.gather(
        terminal.run("ask", "hello"), told.run("ask", "hello")
    )
    code, said = from_file.failure
    assert (code, "'nonsense' is not one of" in said) == (2, True)
    assert from_environment.code == 0
    line = " INFO bot.question_log: question 1 surface=ask generation=00000001 outcome=notice:"
    assert line in from_environment.err
