"""Ollama goes away, comes back, or is not there yet: marked quotes at once, then its answers.

Row 35 of the fault table. A question is asked every second all the while.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ..bot.terminal import Terminal, bare, build_library
from ..ollama import Fault
from ..ollama_asking import closed_port
from .faulty_ollama import MODEL, Break, FaultyOllama, ollama_on
from .model_judge import Asked, Kind, tally
from .model_office import DEADLINE_SECONDS, ModelOffice, open_model_office

Recorder = Callable[[str, object], None]

RECOVERY_SECONDS = 30.0
LATEST_SECONDS = RECOVERY_SECONDS + DEADLINE_SECONDS  # the question that tells is asked within 30 s
AT_ONCE_SECONDS = 2.5  # no time-out has passed; the machine may be busy
OPEN_SECONDS = 10.0
USUAL_PORT, USUAL_MODEL = 11434, "qwen2.5:32b"
HAS_ANSWERED = (Kind.MARKED, Kind.WRITTEN)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the index of eight articles, once."""
    return build_library(tmp_path_factory.mktemp("library"))


async def ask_every_second(office: ModelOffice, seconds: float) -> list[Asked]:
    """Ask one question after the other, whatever becomes of them."""
    asked = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        asked.append(await office.ask())
        for _ in range(10):
            await asyncio.sleep(0.1)
            office.look(asked)
    return asked


async def recovered(office: ModelOffice, asked: list[Asked]) -> float:
    """Ask every second until a reply is the model's; give how long that took."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < LATEST_SECONDS:
        asked.append(await office.ask())
        for _ in range(10):
            await asyncio.sleep(0.1)
            office.look(asked)
            if any(one.kind is Kind.WRITTEN and one.at >= started for one in asked):
                return time.monotonic() - started
    return passed


async def told(office: ModelOffice, asked: Sequence[Asked], *may_be: Kind) -> list[str]:
    """Judge all of them and print it."""
    wrong = await office.judged(asked, *may_be)
    print(tally(asked))
    return wrong


@pytest.mark.beside
@pytest.mark.parametrize(
    "down_seconds",
    [5.0, pytest.param(300.0, marks=pytest.mark.timeout(600))],
)
async def test_an_ollama_that_goes_away_and_comes_back(
    tmp_path: Path, library: Path, down_seconds: float, record_property: Recorder
) -> None:
    port = closed_port()
    url = f"http://127.0.0.1:{port}"
    async with ollama_on(port) as ollama, open_model_office(tmp_path, library, url) as office:
        wrong = await told(office, await office.ask_many(4), Kind.WRITTEN)
        await ollama.__aexit__(None, None, None)
        asked = await ask_every_second(office, down_seconds)
        wrong += await told(office, asked, Kind.MARKED)
        late = [one.seconds for one in asked if (one.seconds or 99.0) > AT_ONCE_SECONDS]
        async with ollama_on(port):
            more: list[Asked] = []
            seconds = await recovered(office, more)
            wrong += await told(office, more, *HAS_ANSWERED)
            after = await office.ask_many(4)
            wrong += await told(office, after, Kind.WRITTEN)
        text = office.bot.text
    sentence = f"down {down_seconds:g} s: the model's first answer {seconds:.1f} s after; {late}"
    print(sentence)
    record_property("verdict", sentence)
    assert wrong == []
    assert seconds <= RECOVERY_SECONDS
    assert "Traceback" not in text


@pytest.mark.beside
@pytest.mark.parametrize("how", [Break.STATUS_503, Break.HANG])
async def test_an_ill_ollama_is_left_alone_and_nobody_waits_for_it(
    tmp_path: Path, library: Path, how: Break, record_property: Recorder
) -> None:
    async with (
        ollama_on() as ollama,
        open_model_office(tmp_path, library, ollama.url, settings={"RETRIES": "0"}) as office,
    ):
        ollama.chat_break = how
        first = [*await office.ask_many(4)]
        wrong = await told(office, first, Kind.MARKED)
        second = await office.ask_many(4)  # the fifth failure is among them
        wrong += await told(office, second, Kind.MARKED)
        before = len(ollama.asked("/api/chat"))
        asked = await ask_every_second(office, 2.2 * OPEN_SECONDS)
        wrong += await told(office, asked, Kind.MARKED)
        chats = len(ollama.asked("/api/chat")) - before
        waited = [one for one in asked if (one.seconds or 99.0) > AT_ONCE_SECONDS]
        status = await office.status()
        ollama.chat_break = None
        more: list[Asked] = []
        seconds = await recovered(office, more)
        wrong += await told(office, more, *HAS_ANSWERED)
        healthy = await office.status()
    sentence = (
        f"{how.name}: {len(asked)} asked while open, {chats} chats, {len(waited)} waited; "
        f"recovered after {seconds:.1f} s"
    )
    print(sentence, status, healthy, sep="\n")
    record_property("verdict", sentence)
    assert wrong == []
    assert chats <= 4  # probes: one at a time, ten seconds apart
    assert len(waited) <= chats
    assert seconds <= RECOVERY_SECONDS
    assert f"{MODEL} has not answered for" in status
    assert f"{MODEL} writes the answers" in healthy


@pytest.mark.beside
async def test_one_question_that_tries_and_hangs_does_not_keep_the_others_from_the_model(
    tmp_path: Path, library: Path
) -> None:
    patient = {"RETRIES": "0", "QUESTION_DEADLINE_SECONDS": "90"}
    async with (
        ollama_on() as ollama,
        open_model_office(tmp_path, library, ollama.url, settings=patient) as office,
    ):
        ollama.chat_break = Break.STATUS_503
        wrong = await told(office, await office.ask_many(6), Kind.MARKED)
        ollama.chat_break = Break.HANG
        asked: list[Asked] = []
        while not ollama.chats:
            asked += await ask_every_second(office, 1)
        wrong += await told(office, asked[:-1], Kind.MARKED)  # the last one hangs
        ollama.chat_break = None  # for all that come from now on
        more: list[Asked] = []
        seconds = await recovered(office, more)
        wrong += await told(office, more, *HAS_ANSWERED)
        hung = ollama.chats
    print(f"{hung} hang; recovered after {seconds:.1f} s")
    assert wrong == []
    assert seconds <= RECOVERY_SECONDS


@pytest.mark.beside
async def test_one_that_must_answer_and_is_not_there_yet(
    tmp_path: Path, library: Path, record_property: Recorder
) -> None:
    port = closed_port()
    url = f"http://127.0.0.1:{port}"
    async with open_model_office(tmp_path, library, url) as office:
        assert url in office.bot.text  # it says at the start that nobody is there
        print("\n".join(line for line in office.bot.lines if url in line))
        asked = await ask_every_second(office, 8)
        wrong = await told(office, asked, Kind.MARKED)
        late = [one.seconds for one in asked if (one.seconds or 99.0) > AT_ONCE_SECONDS]
        async with ollama_on(port):
            more: list[Asked] = []
            seconds = await recovered(office, more)
            wrong += await told(office, more, *HAS_ANSWERED)
    print(f"the model's first answer {seconds:.1f} s after it came up")
    record_property("verdict", f"recovered after {seconds:.1f} s")
    assert (wrong, late) == ([], [])
    assert seconds <= RECOVERY_SECONDS


@pytest.mark.beside
@pytest.mark.parametrize("is_named", [True, False])
async def test_auto_without_an_ollama_quotes_and_asks_one_that_appears(
    tmp_path: Path, library: Path, is_named: bool
) -> None:
    """Only who has named an Ollama misses one: nobody else is told of it below each answer."""
    port = closed_port() if is_named else USUAL_PORT
    if not is_free(port):
        pytest.skip(f"something listens on {port}")
    names = {} if is_named else {"GEN_MODEL": "", "OLLAMA_URL": ""}
    url, quoted = f"http://127.0.0.1:{port}", Kind.MARKED if is_named else Kind.UNMARKED
    async with open_model_office(
        tmp_path, library, url, settings={"ANSWERER": "auto", **names}
    ) as office:
        asked = await ask_every_second(office, 4)
        wrong = await told(office, asked, quoted)
        async with ollama_on(port) as ollama:
            ollama.models |= {USUAL_MODEL}
            more: list[Asked] = []
            seconds = await recovered(office, more)
            wrong += await told(office, more, quoted, Kind.WRITTEN)
            ollama.chat_break = Break.STATUS_500  # from now on it is one that ought to answer
            wrong += await told(office, await office.ask_many(2), Kind.MARKED)
    print(f"the model's first answer {seconds:.1f} s after it came up")
    assert wrong == []
    assert seconds <= RECOVERY_SECONDS


def is_free(port: int) -> bool:
    """Say whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("answerer", ["ollama", "auto"])
async def test_a_model_that_is_not_there_at_the_start(
    tmp_path: Path, library: Path, answerer: str
) -> None:
    async with ollama_on() as ollama:
        ollama.models = {"other:latest"}
        hint = f"ollama pull {MODEL}"
        async with open_model_office(
            tmp_path,
            library,
            ollama.url,
            starts=answerer == "auto",
            settings={"ANSWERER": answerer},
        ) as office:
            if answerer == "ollama":
                await office.start(has_to_serve=False)
                code = await office.bot.ended()
                assert (code, hint in office.bot.text) == (4, True)
            else:
                assert hint in office.bot.text
                assert await told(office, await office.ask_many(2), Kind.MARKED) == []
            assert "Traceback" not in office.bot.text


@pytest.mark.beside
@pytest.mark.parametrize("fault", [Fault.HANG, Fault.BUSY, Fault.CLOSED])
async def test_an_embedding_model_that_is_ill_costs_nobody_the_answer(
    tmp_path: Path, fault: Fault
) -> None:
    async with FaultyOllama() as ollama:
        ollama.models = {f"{MODEL}:latest", "nomic-embed-text:latest"}
        library = tmp_path / "library"
        build_library(library)  # for its articles
        embedding = {"EMBEDDER": "ollama", "OLLAMA_URL": ollama.url}
        terminal = Terminal(library, bare(library) | embedding)
        built = await terminal.run("build", "knowledge", "--index", "other", "--force")
        assert built.code == 0, built.err
        (library / "index").rename(library / "embedded")
        (library / "other").rename(library / "index")
        folder = tmp_path / "bot"
        async with open_model_office(
            folder, library, ollama.url, settings={"EMBEDDER": "ollama"}
        ) as office:
            wrong = await told(office, await office.ask_many(4), Kind.WRITTEN)
            ollama.fail(fault, path="/api/embed")
            asked = await office.ask_many(4)
            wrong += await told(office, asked, *HAS_ANSWERED)
            unmarked = [str(one) for one in asked if "word matches only" not in str(one.reply)]
            ollama.recover()
            await asyncio.sleep(OPEN_SECONDS + 1)
            probe = await office.ask_many(1)
            wrong += await told(office, probe, Kind.WRITTEN)
            after = await office.ask_many(4)
            wrong += await told(office, after, Kind.WRITTEN)
            unmarked += [str(one) for one in after if "word matches only" in str(one.reply)]
        assert (wrong, unmarked) == ([], [])
