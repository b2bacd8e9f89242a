"""`clockify-bot run` and `try` as processes: how they start, what they print, how they end."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.config import SlackConfig
from bot.simulator.server import Simulator
from bot.trying import local_slack, read_slack_settings
from core.lock import build_lock

from ..ollama import ScriptedOllama
from .articles import write_articles
from .conftest import is_bot
from .scripted_slack import ScriptedSlack
from .terminal import NOWHERE, Ended, Running, Terminal, bare

READY = "clockify-bot is ready: "
STOP_SECONDS = 5.0
LATEST_END_SECONDS = 12.0  # after the signal, whatever hangs
READY_SECONDS = 10.0  # promised: 5


@contextmanager
def taken_port(port: int = 0) -> Iterator[int]:
    """Listen on a port, so that it is not free."""
    with closing(socket.socket()) as listener:
        with suppress(OSError):  # somebody else has it: as good
            listener.bind(("127.0.0.1", port))
            port = int(listener.getsockname()[1])
        listener.listen()
        yield port


@pytest.fixture
async def processes() -> AsyncIterator[list[Running]]:
    """Collect processes that must not outlive the test."""
    running: list[Running] = []
    yield running
    for process in running:
        await process.kill()


@pytest.fixture
def fresh(tmp_path: Path) -> Terminal:
    """Give a command line with two articles in ./knowledge and no index."""
    write_articles(tmp_path / "knowledge", "lock-timesheets", "kiosk")
    return Terminal(tmp_path, bare(tmp_path))


async def address(running: Running) -> str:
    """Wait until `try` is ready; give the address of the page."""
    return (await running.line(READY)).removeprefix(READY)


async def test_try_builds_prints_its_address_and_is_quick_the_second_time(
    fresh: Terminal, processes: list[Running]
) -> None:
    with taken_port() as port:
        first = await fresh.start("try", "--port", str(port))
        processes.append(first)
        url = await address(first)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        assert port < int(url.rpartition(":")[2]) < port + 50
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as page:
            assert (page.status, page.content_type) == (200, "text/html")
        async with session.get(f"{url}/sim/state?as=U0ANN") as state:
            assert (await state.json())["connected"] is True
    await first.line("Ctrl-C stops everything.")
    assert await first.line("Knowledge: ") == "  Knowledge:         knowledge (2 articles)"
    assert "Published generation 00000001" in first.text
    code, seconds = await first.stop(signal.SIGINT)
    assert (code, seconds < STOP_SECONDS) == (0, True)
    assert "Traceback" not in first.text

    started = asyncio.get_running_loop().time()
    second = await fresh.start("try", "--port", "0")
    processes.append(second)
    await address(second)
    assert asyncio.get_running_loop().time() - started < READY_SECONDS
    assert "Nothing changed: generation 00000001" in second.text
    assert (await second.stop(signal.SIGTERM))[0] == 0


@pytest.mark.proof
@pytest.mark.beside
async def test_try_takes_3000_or_the_next_free_port_and_other_knowledge_has_its_own_index(
    fresh: Terminal, processes: list[Running]
) -> None:
    write_articles(fresh.folder / "other", "tags")
    with taken_port(3000):
        running = await fresh.start("try", "--knowledge", "other")
        processes.append(running)
        assert 3000 < int((await address(running)).rpartition(":")[2]) < 3050
    assert "1 articles" in await running.line("Knowledge: ")
    names = [entry.name for entry in (fresh.folder / ".clockify-bot" / "index").iterdir()]
    assert [name.rpartition("-")[0] for name in names] == ["other"]


@pytest.mark.proof
async def test_try_goes_on_with_the_index_that_is_there_when_a_build_is_refused(
    own: Terminal, processes: list[Running]
) -> None:
    (own.folder / "knowledge").rename(own.folder / "all")
    write_articles(own.folder / "knowledge", "tags")
    refused = await own.start("try", "--port", "0")
    processes.append(refused)
    await address(refused)
    assert "Only 1 of " in refused.text
    assert "Going on with the index that is there." in refused.text
    impatient = own.having(BUILD_LOCK_TIMEOUT="0.1", KNOWLEDGE=str(own.folder / "all"))
    empty = own.folder / "empty"
    with (
        build_lock(own.folder / "index", timeout_seconds=1, purpose="a test"),
        build_lock(empty, timeout_seconds=1, purpose="a test"),
    ):
        second = await impatient.start("try", "--port", "0")
        processes.append(second)
        await address(second)
        without = await impatient.having(INDEX=str(empty)).run("try", "--port", "0")
    waited = " for a test. Waited 0.1 s."
    assert waited in second.text
    assert (without.failure[0], waited in without.err, "Going on" in without.err) == (
        1,
        True,
        False,
    )
    for running in (refused, second):
        assert (await running.stop(signal.SIGINT))[0] == 0


@pytest.mark.proof
@pytest.mark.beside
async def test_ctrl_c_ends_a_build_that_try_waits_for(
    fresh: Terminal, processes: list[Running]
) -> None:
    index = fresh.folder / "index"
    with build_lock(index, timeout_seconds=1, purpose="a test"):
        waiting = fresh.having(INDEX=str(index), BUILD_LOCK_TIMEOUT="60")
        running = await waiting.start("try", "--log", "DEBUG")
        processes.append(running)
        await running.line(".build.lock.guard, waiting ")
        code, seconds = await running.stop(signal.SIGINT)
    assert (code, seconds < STOP_SECONDS) == (130, True)
    assert "Traceback" not in running.text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "99999"], "Error: Invalid value for '--port': 99999 is not in the range"),
        (["--knowledge", "none"], "clockify-bot: Knowledge none"),
    ],
    ids=["port", "knowledge"],
)
async def test_try_explains_a_mistake(fresh: Terminal, arguments: list[str], sentence: str) -> None:
    code, said = (await fresh.run("try", *arguments)).failure
    assert (code, said[: len(sentence)]) == (2, sentence)


@pytest.mark.proof
async def test_run_without_a_way_into_slack_is_one_sentence(
    sim: Simulator, terminal: Terminal
) -> None:
    ended: tuple[Ended, ...] = await asyncio.gather(
        terminal.run("run"),
        terminal.on(sim, SLACK_BOT_TOKEN="xoxb-wrong").run("run"),
        terminal.on(sim, SLACK_BOT_TOKEN=sim.app_token, SLACK_APP_TOKEN=sim.bot_token).run("run"),
        terminal.on(sim).run("run", "--index", "none"),
    )
    failures = [each.failure for each in ended]
    assert [(code, said.removeprefix("clockify-bot: ")) for code, said in failures] == [
        (
            2,
            "SLACK_BOT_TOKEN is not set. Put the Bot User OAuth Token under OAuth & Permissions "
            "of your Slack app (xoxb-…) in .env.",
        ),
        (
            2,
            "SLACK_BOT_TOKEN: Slack does not know this token. Copy it again from the app's "
            "settings.",
        ),
        (2, "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped; exchange the two."),
        (3, "There is no index in none. Run: clockify-bot build"),
    ]


@pytest.mark.proof
async def test_a_model_that_must_answer_and_is_not_there_ends_the_start_with_4(
    sim: Simulator, own: Terminal
) -> None:
    async with ScriptedOllama() as ollama:
        must = own.on(sim, ANSWERER="ollama", OLLAMA_URL=ollama.url, GEN_MODEL="phi4")
        run, chat, try_ = await asyncio.gather(
            must.run("run"), must.run("chat"), must.run("try", "--port", "0")
        )
    for ended in (run, chat, try_):
        assert (ended.code, ended.out) == (4, "")
        last = ended.err.splitlines()[-1]
        assert last.startswith("clockify-bot: Model phi4 is not on this Ollama")
        assert "ollama pull phi4" in last


async def test_try_takes_all_settings_of_slack_but_tokens_and_address(
    sim: Simulator, fresh: Terminal
) -> None:
    bad = await fresh.having(MAX_CONCURRENT="0").run("try")
    assert bad.failure == (2, "clockify-bot: MAX_CONCURRENT is '0'; it must be from 1 to 64.")
    assert not (fresh.folder / ".clockify-bot").exists()
    settings = {"FEEDBACK_FILE": "votes/here.jsonl", "ADMIN_USERS": "U0BOB"}
    elsewhere = {"SLACK_BOT_TOKEN": "nonsense", "SLACK_API_URL": "nonsense"}
    limits = {"MAX_CONCURRENT": "7", "SLACK_TIMEOUT": "5"}
    slack = local_slack(read_slack_settings({**settings, **elsewhere, **limits}), sim)
    assert slack == SlackConfig(
        bot_token=sim.bot_token,
        app_token=sim.app_token,
        api_url=sim.api_url,
        admins=("U0ADA", "U0BOB"),
        max_concurrent=7,
        feedback_file=Path("votes/here.jsonl"),
        timeout_seconds=5.0,
    )


async def test_tokens_come_from_dotenv_and_sigterm_ends_with_0(
    sim: Simulator, terminal: Terminal, processes: list[Running]
) -> None:
    (terminal.folder / ".env").write_text(
        f"SLACK_BOT_TOKEN={sim.bot_token}\nSLACK_APP_TOKEN={sim.app_token}\n"
        f"SLACK_API_URL={sim.api_url}\n"
    )
    running = await terminal.start("run")
    processes.append(running)
    await sim.wait_connected(20)
    await running.line("connected to Slack as U0BOT")
    root = await sim.post("U0ANN", "D0ANN", "How do I create a tag?")
    await sim.wait_for(lambda: [m for m in sim.messages("D0ANN", root) if is_bot(m)])
    code, seconds = await running.stop(signal.SIGTERM)
    assert (code, seconds < STOP_SECONDS) == (0, True)
    assert "Traceback" not in running.text
    for token in (sim.bot_token, sim.app_token):
        assert token not in running.text


@pytest.mark.proof
async def test_a_signal_ends_a_bot_that_waits_for_a_slack_or_an_ollama_that_says_nothing(
    terminal: Terminal, processes: list[Running]
) -> None:
    accepted = asyncio.Semaphore(0)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.release()
        await reader.read()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
        for silent in ({"ANSWERER": "extractive", "SLACK_API_URL": url}, {"OLLAMA_URL": url}):
            running = await terminal.having(**tokens, **silent).start("run")
            processes.append(running)
            await asyncio.wait_for(accepted.acquire(), 20)
            code, seconds = await running.stop(signal.SIGTERM)
            assert (code, seconds < STOP_SECONDS) == (0, True)
            assert "Traceback" not in running.text


@pytest.mark.proof
@pytest.mark.parametrize("state", ["opening", "handshake", "waiting", "deaf", "gone"])
async def test_a_signal_ends_a_bot_in_any_state_of_its_connection(
    terminal: Terminal, processes: list[Running], state: str
) -> None:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(ScriptedSlack())
        tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
        on = terminal.having(ANSWERER="extractive", SLACK_API_URL=slack.api_url, **tokens)
        running = await on.start("run")
        processes.append(running)
        await slack.connection(20.0)
        await running.line("connected to Slack as U0BOT")
        match state:
            case "opening":
                slack.has_opening.clear()
            case "handshake":
                slack.has_handshake.clear()
            case "waiting":
                slack.open_replies += [refused() for _ in range(100)]
            case "deaf":
                slack.deafen()
            case "gone":
                await stack.aclose()
        if state != "deaf":
            slack.hang_up()
            await running.line("Slack closed the connection")
        code, seconds = await running.stop(signal.SIGTERM)
    assert (code, seconds < LATEST_END_SECONDS) == (0, True)
    assert "Traceback" not in running.text


def refused() -> web.Response:
    """Answer like a Slack that has a bad day."""
    return web.json_response({"ok": False, "error": "internal_error"})


@pytest.mark.proof
async def test_a_token_revoked_while_running_ends_it_with_2(
    sim: Simulator, terminal: Terminal, processes: list[Running]
) -> None:
    running = await terminal.on(sim).start("run")
    processes.append(running)
    await running.line("connected to Slack as U0BOT")
    revoked = {"method": "apps.connections.open", "error": "token_revoked", "times": 100}
    await sim.fault("api_error", **revoked)
    await sim.fault("drop_socket")
    assert await running.ended() == 2
    sentence = "SLACK_APP_TOKEN: The token was revoked. Install the app again and copy the new"
    assert running.lines[-1].startswith(f"clockify-bot: {sentence}")
    assert [sentence in line for line in running.lines if " ERROR " in line] == [True]
    assert "Traceback" not in running.text


@pytest.mark.beside
@pytest.mark.proof
@pytest.mark.timeout(200)
async def test_two_minutes_without_slack_end_it_with_75(
    terminal: Terminal, processes: list[Running]
) -> None:
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    on = terminal.having(ANSWERER="extractive", SLACK_API_URL=NOWHERE, **tokens)
    started = asyncio.get_running_loop().time()
    running = await on.start("run")
    processes.append(running)
    await asyncio.wait_for(running.process.wait(), 180)
    assert 120 < asyncio.get_running_loop().time() - started < 140
    assert await running.ended() == 75
    problem = f"Slack does not answer at {NOWHERE}/: ClientConnectorError."
    tries = [line for line in running.lines if "WARNING" in line]
    assert [problem in line for line in tries] == [True] * len(tries)
    assert 10 <= len(tries) <= 20
    assert running.lines[-1].startswith(
        f"clockify-bot: No connection to Slack for 120 s: {problem}"
    )
    assert "Traceback" not in running.text


@pytest.mark.proof
@pytest.mark.beside
async def test_asking_for_help_needs_nothing(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, bare(tmp_path))
    help, version, nothing = await asyncio.gather(
        terminal.run("--help"), terminal.run("--version"), terminal.run()
    )
    assert (help.code, version.code, nothing.code) == (0, 0, 2)
    commands = re.findall(r"^  ([a-z]+) ", help.out.partition("Commands:")[2], flags=re.M)
    assert commands == [
        "ask",
        "build",
        "chat",
        "doctor",
        "eval",
        "gaps",
        "generations",
        "pull",
        "run",
        "try",
    ]
    assert re.fullmatch(r"clockify-bot, version \d+\.\d+\.\d+\n", version.out)
    assert list(tmp_path.iterdir()) == []  # no cache, no device id, no index
