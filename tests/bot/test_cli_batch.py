"""`clockify-bot ask --batch`: order, bad lines, and going on where a killed run stopped."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.ollama import Fault, ScriptedOllama, quote_first_snippet

from .terminal import MODULE, Ended, Json, Terminal

QUESTIONS = (
    "How do I lock timesheets?",
    "How do I start the timer?",
    "How do I create a tag?",
    "Which hourly rate counts?",
    "How do I request vacation?",
    "How do I clock in at a kiosk?",
)
BATCH = ("ask", "--batch", "in.jsonl", "--output", "out.jsonl")


def write_questions(terminal: Terminal) -> list[Json]:
    """Write all questions to in.jsonl, their ids counting down."""
    rows: list[Json] = [
        {"id": f"q{len(QUESTIONS) - n}", "query": query} for n, query in enumerate(QUESTIONS)
    ]
    terminal.write("in.jsonl", *rows)
    return rows


def keys(rows: list[Json]) -> list[tuple[str, str]]:
    """Give the ids and queries of some rows."""
    return [(row["id"], row["query"]) for row in rows]


@pytest.fixture
async def ollama() -> AsyncIterator[ScriptedOllama]:
    """Start an Ollama, so that each question asked can be counted and stopped."""
    async with ScriptedOllama() as server:
        yield server


@pytest.fixture
def writing(terminal: Terminal, ollama: ScriptedOllama) -> Terminal:
    """Give a command line whose answers that Ollama writes."""
    return terminal.having(ANSWERER="ollama", GEN_MODEL="llama3.2", OLLAMA_URL=ollama.url)


def asked(ollama: ScriptedOllama) -> Counter[str]:
    """Count how often each question reached the model."""
    counts: Counter[str] = Counter()
    for request in ollama.asked("/api/chat"):
        prompt = request.payload["messages"][-1]["content"]
        counts.update(query for query in QUESTIONS if query in prompt)
    return counts


async def test_a_bad_line_is_named_and_the_others_are_answered_in_order(
    terminal: Terminal,
) -> None:
    terminal.write(
        "in.jsonl",
        '{"id": 7, "query": "How do I lock timesheets?"}',
        "{not json",
        "",
        '["a list"]',
        '{"id": "no query"}',
        '{"query": "¿Cómo creo una etiqueta? 🏷️ タグ"}',
        "[" * 100_000,
        '{"id": "half", "query": "How do I create a tag\\ud83c?"}',
        '{"id": null, "query": "hello"}',
        '{"id": "last", "query": "How do I bake bread?"}',
    )
    with (terminal.folder / "in.jsonl").open("ab") as file:
        file.write(b'{"id": "latin", "query": "Kn\xf6pfe"}')  # no new line either
    ended = await terminal.run(*BATCH)
    assert (ended.code, ended.out) == (0, "")
    lines = [line for line in ended.err.splitlines() if line.startswith("in.jsonl:")]
    assert [line.partition(": ")[0] for line in lines] == [
        f"in.jsonl:{number}" for number in (2, 4, 5, 7, 11)
    ]
    needed = 'skipped, a line must be an object like {"id": "1", "query": "how do I …"}'
    assert lines[1] == f"in.jsonl:4: {needed}"
    assert ended.err.splitlines()[-1] == "out.jsonl: 5 asked, 5 bad lines skipped"
    rows = terminal.read("out.jsonl")
    assert [(row["id"], row["status"]) for row in rows] == [
        ("7", "answered"),
        ("6", rows[1]["status"]),
        ("half", "answered"),
        ("9", "notice"),
        ("last", "refused"),
    ]
    assert rows[1]["query"] == "¿Cómo creo una etiqueta? 🏷️ タグ"
    assert rows[2]["query"] == "How do I create a tag\ufffd?"
    written = (terminal.folder / "out.jsonl").read_text(encoding="utf-8")
    assert "🏷️ タグ" in written  # readable, not escaped


@pytest.mark.proof
@pytest.mark.beside
async def test_the_log_names_lines_and_nothing_that_an_id_holds(terminal: Terminal) -> None:
    forged = "1\n2026-01-01 00:00:00,000 ERROR bot: question 9 " + "x" * 1000
    terminal.write("in.jsonl", "", {"id": forged, "query": "hello"}, {"query": "thanks"})
    ended = await terminal.having(ANSWERER="extractive").run(*BATCH, "--log", "INFO")
    lines = [line for line in ended.err.splitlines() if "question" in line]
    shape = r"[\d-]+ [\d:,]+ INFO bot\.question_log: question line:{} surface=batch "
    shape += r"generation=00000001 outcome=notice:{} ms=\d+"
    kinds = ((2, "greeting"), (3, "thanks"))
    assert [bool(re.fullmatch(shape.format(*k), t)) for k, t in zip(kinds, lines, strict=True)] == [
        True,
        True,
    ]
    assert [row["id"] for row in terminal.read("out.jsonl")] == [forged, "3"]


@pytest.mark.proof
async def test_replies_of_another_generation_or_answerer_are_asked_again(
    own: Terminal, ollama: ScriptedOllama
) -> None:
    wanted = write_questions(own)
    quoting = own.having(ANSWERER="extractive")
    await quoting.run(*BATCH)
    writing = own.having(ANSWERER="ollama", GEN_MODEL="llama3.2", OLLAMA_URL=ollama.url)
    written = await writing.run(*BATCH)
    again = "of them again (other knowledge, embedder, answerer, model or prompt)"
    assert written.err.splitlines()[-1] == f"out.jsonl: 6 asked, 6 {again}"
    assert keys(own.read("out.jsonl")) == keys(wanted)
    assert [row["answerer"] for row in own.read("out.jsonl")] == ["ollama"] * 6

    ollama.models.add("qwen2.5:7b")
    other = await writing.run(*BATCH, "--gen-model", "qwen2.5:7b")
    assert other.err.splitlines()[-1] == f"out.jsonl: 6 asked, 6 {again}"
    rows = own.read("out.jsonl")
    own.write("out.jsonl", {**rows[0], "prompt_version": "old"}, *rows[1:])
    other = await writing.run(*BATCH, "--gen-model", "qwen2.5:7b")
    assert other.err.splitlines()[-1] == f"out.jsonl: 1 asked, 1 {again}, 5 kept from before"
    assert (await writing.run(*BATCH)).code == 0

    assert (await own.run("build", "--force")).code == 0
    rows = own.read("out.jsonl")
    own.write("out.jsonl", *({**row, "generation": "00000002"} for row in rows[:4]), *rows[4:])
    rebuilt = await writing.run(*BATCH)
    assert rebuilt.err.splitlines()[-1] == f"out.jsonl: 2 asked, 2 {again}, 4 kept from before"
    assert [row["generation"] for row in own.read("out.jsonl")] == ["00000002"] * 6
    assert asked(ollama)[QUESTIONS[5]] == 4


@pytest.mark.proof
async def test_a_smaller_input_keeps_the_replies_of_the_others(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    wanted = write_questions(writing)
    await writing.run(*BATCH)
    writing.write("in.jsonl", wanted[4], wanted[1])
    fewer = await writing.run(*BATCH)
    told = "0 asked, 2 kept from before, 4 replies of questions not in the input kept at the end"
    assert fewer.err.splitlines()[-1] == f"out.jsonl: {told}"
    in_order = [wanted[at] for at in (4, 1, 0, 2, 3, 5)]
    assert keys(writing.read("out.jsonl")) == keys(in_order)
    write_questions(writing)
    await writing.run(*BATCH)
    assert keys(writing.read("out.jsonl")) == keys(wanted)
    assert asked(ollama).total() == 6


@pytest.mark.proof
@pytest.mark.beside
async def test_links_are_followed_and_a_pipe_is_read(terminal: Terminal) -> None:
    wanted = write_questions(terminal)
    (terminal.folder / "real").mkdir()
    (terminal.folder / "out.jsonl").symlink_to("real/replies.jsonl")
    piped = ("sh", "-c", 'cat in.jsonl | "$@"', "sh", *MODULE)
    arguments = ("ask", "--batch", "/dev/stdin", "--output", "out.jsonl")
    ended = await terminal.run(*arguments, program=piped)
    assert (ended.code, ended.err.splitlines()[-1]) == (0, "out.jsonl: 6 asked")
    assert (terminal.folder / "out.jsonl").is_symlink()
    assert keys(terminal.read("real/replies.jsonl")) == keys(wanted)


@pytest.mark.proof
async def test_what_is_no_file_is_neither_read_nor_replaced(terminal: Terminal) -> None:
    write_questions(terminal)
    os.mkfifo(terminal.folder / "fifo")
    (terminal.folder / "circle").symlink_to("circle")
    with (terminal.folder / "big.jsonl").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    outputs = ("fifo", "/dev/null")
    advice = "give --output another name."
    assert await refusals(terminal, dict.fromkeys((*outputs, "circle"), "")) == [
        *((2, f"clockify-bot: {name} is not a regular file; {advice}") for name in outputs),
        (2, f"clockify-bot: circle is a link that leads nowhere; {advice}"),
    ]
    assert (terminal.folder / "fifo").is_fifo()
    inputs = {
        "/dev/zero": "is neither a regular file nor a pipe.",
        ".": "is neither a regular file nor a pipe.",
        "big.jsonl": "is larger than 64 MiB; split it.",
    }
    ended = await asyncio.gather(
        *(terminal.run("ask", "--batch", name, "--output", "out.jsonl") for name in inputs)
    )
    assert [each.failure for each in ended] == [
        (2, f"clockify-bot: {name} {sentence}") for name, sentence in inputs.items()
    ]


@pytest.mark.proof
async def test_a_killed_run_goes_on_where_it_stopped(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    wanted = write_questions(writing)
    running = await writing.start(*BATCH)
    calls = 0

    def kill_on_the_fifth(messages: list[dict[str, str]]) -> str:
        nonlocal calls
        calls += 1
        if calls == 5:
            os.kill(running.process.pid, signal.SIGKILL)
        return quote_first_snippet(messages)

    ollama.script = kill_on_the_fifth
    assert await running.ended() == -signal.SIGKILL
    first = (writing.folder / "out.jsonl").read_bytes()
    assert keys(writing.read("out.jsonl")) == keys(wanted[:4])
    with (writing.folder / "out.jsonl").open("ab") as file:
        file.write(b'{"id": "q2", "query": "How do I req')  # torn by a full disk

    again = await writing.run(*BATCH)
    assert again.err.splitlines()[-1] == "out.jsonl: 2 asked, 4 kept from before"
    assert keys(writing.read("out.jsonl")) == keys(wanted)
    assert (writing.folder / "out.jsonl").read_bytes().startswith(first)
    assert asked(ollama) == Counter({query: 1 for query in QUESTIONS} | {QUESTIONS[4]: 2})

    whole = (writing.folder / "out.jsonl").read_bytes()
    once_more = await writing.run(*BATCH)
    assert once_more.err.splitlines()[-1] == "out.jsonl: 0 asked, 6 kept from before"
    assert (writing.folder / "out.jsonl").read_bytes() == whole
    assert asked(ollama).total() == 7


@pytest.mark.proof
async def test_errors_are_asked_again_and_nothing_else_even_after_a_kill(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    wanted = write_questions(writing)
    ollama.fail(Fault.ERROR_LINE, path="/api/chat", times=1)
    broken = await writing.run(*BATCH)
    rows = writing.read("out.jsonl")
    assert (broken.code, "6 asked, 1 errors" in broken.err) == (0, True)
    assert [row["status"] for row in rows] == ["error", *["answered"] * 5]
    assert "stopped while answering" in rows[0]["answer"]
    assert list(rows[0]) == list(rows[1])

    running = await writing.start(*BATCH)

    def kill(messages: list[dict[str, str]]) -> str:
        os.kill(running.process.pid, signal.SIGKILL)
        return quote_first_snippet(messages)

    ollama.script = kill
    assert await running.ended() == -signal.SIGKILL
    assert keys(writing.read("out.jsonl")) == keys(wanted[1:])  # complete replies stay

    ollama.script = quote_first_snippet
    mended = await writing.run(*BATCH)
    assert "1 asked, 5 kept from before" in mended.err
    assert keys(writing.read("out.jsonl")) == keys(wanted)
    assert [row["status"] for row in writing.read("out.jsonl")] == ["answered"] * 6
    assert asked(ollama) == Counter({query: 1 for query in QUESTIONS} | {QUESTIONS[0]: 3})


async def test_the_same_question_twice_is_asked_once_and_written_twice(
    writing: Terminal, ollama: ScriptedOllama
) -> None:
    row = {"id": "a", "query": QUESTIONS[0]}
    writing.write("in.jsonl", row, {"id": "b", "query": QUESTIONS[2]}, row)
    (writing.folder / "out.jsonl").write_bytes(b'{"id": ')  # torn in its very first line
    ended = await writing.run(*BATCH)
    assert ended.code == 0
    assert [row["id"] for row in writing.read("out.jsonl")] == ["a", "b", "a"]
    assert asked(ollama) == Counter({QUESTIONS[0]: 1, QUESTIONS[2]: 1})


async def refusals(terminal: Terminal, outputs: dict[str, str]) -> list[tuple[int, str]]:
    """Try some outputs; give how each run failed."""
    runs = [terminal.run("ask", "--batch", "in.jsonl", "--output", name) for name in outputs]
    ended: list[Ended] = await asyncio.gather(*runs)
    return [each.failure for each in ended]


@pytest.mark.proof
@pytest.mark.beside
async def test_an_output_that_is_something_else_is_refused_untouched(terminal: Terminal) -> None:
    write_questions(terminal)
    reply = '{"id": "other", "query": "another question", "status": "answered"}\n'
    outputs = {
        "notes.txt": "my notes",
        "list.txt": "milk\nbread\n",
        "questions.jsonl": '{"id": "1", "query": "no reply"}\n',
        "other.jsonl": reply,
    }
    for name, content in outputs.items():
        (terminal.folder / name).write_text(content)
    advice = "give --output another name."
    assert await refusals(terminal, outputs) == [
        (2, f"clockify-bot: notes.txt holds something else; {advice}"),
        *(
            (
                2,
                f"clockify-bot: {name}:1 is no reply of an earlier run; move the file away or "
                f"{advice}",
            )
            for name in ("list.txt", "questions.jsonl")
        ),
        (2, f"clockify-bot: other.jsonl answers other questions; {advice}"),
    ]
    assert {name: (terminal.folder / name).read_text() for name in outputs} == outputs
    left = sorted(entry.name for entry in terminal.folder.iterdir())
    assert left == sorted(["in.jsonl", *outputs])


@pytest.mark.proof
async def test_places_that_cannot_be_read_or_written_are_exit_2(terminal: Terminal) -> None:
    write_questions(terminal)
    before = (terminal.folder / "in.jsonl").read_bytes()
    os.link(terminal.folder / "in.jsonl", terminal.folder / "alias.jsonl")
    (terminal.folder / "empty.jsonl").touch()
    (terminal.folder / "folder").mkdir()
    names = ("in.jsonl", "alias.jsonl", "folder", "in.jsonl/out", "missing/out.jsonl")
    failures = await refusals(terminal, dict.fromkeys(names, ""))
    assert [code for code, _ in failures] == [2] * 5
    sentences = ["is the input;", "is the input;", "is not a regular file;"]
    sentences += ["cannot be written: "] * 2
    for name, sentence, (_, said) in zip(names, sentences, failures, strict=True):
        assert said.startswith(f"clockify-bot: {name} {sentence}")
    assert (terminal.folder / "in.jsonl").read_bytes() == before

    arguments = ("--output", "out.jsonl")
    missing, empty = await asyncio.gather(
        terminal.run("ask", "--batch", "nowhere.jsonl", *arguments),
        terminal.run("ask", "--batch", "empty.jsonl", *arguments),
    )
    code, said = missing.failure
    sentence = "nowhere.jsonl cannot be read: No such file or directory."
    assert (code, said) == (2, f"clockify-bot: {sentence}")
    assert (empty.code, empty.err.splitlines()[-1]) == (0, "out.jsonl: 0 asked")
    assert (terminal.folder / "out.jsonl").read_bytes() == b""
