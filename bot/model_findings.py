"""What `clockify-bot doctor` finds out about Ollama: the server, its models, what fits into them.

Nothing here needs the server to be up; what cannot be asked is said once, with what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from core.config import STATE_DIR, Config
from core.errors import ModelUnavailable
from core.model_assembly import TOKEN_COUNTS
from core.ollama import OllamaClient
from core.ollama_reply import is_unreachable
from core.prompt import PROMPT_VERSION
from core.readiness import generator_readiness, version_note
from core.token_counts import TokenCounts

from .findings import Finding, Verdict

MODEL_EXIT = ModelUnavailable.exit_code
HISTORY_SHARE = 5  # of CTX_BUDGET, one part of so many is for earlier exchanges
PROMPT_TOKENS = 600  # the instructions and a question, roughly
TOO_FEW, MANY_MORE = 0.95, 1.15  # of the suggested factor: cut prompts, room that is not used


@dataclass(frozen=True, slots=True)
class Server:
    """What an Ollama said when it was asked for its version; problem "" when it is there."""

    problem: str
    findings: tuple[Finding, ...]


def asks_ollama(config: Config) -> bool:
    """Say whether the settings have Ollama do anything."""
    return config.answerer != "extractive" or config.embedder == "ollama"


async def look_at_server(config: Config, client: OllamaClient) -> Server:
    """Ask for the version; whoever finds nobody there need not ask for models."""
    if not asks_ollama(config):
        return Server("", ())
    open_key = tuple(_key_in_the_open(config))
    try:
        version = await client.version()
    except ModelUnavailable as error:
        problem = str(error) if is_unreachable(error) else ""
        verdict = Verdict.BAD if config.answerer == "ollama" else Verdict.NOTE
        return Server(problem, (Finding(verdict, "ollama", str(error), MODEL_EXIT), *open_key))
    if note := version_note(version):
        return Server("", (Finding(Verdict.NOTE, "ollama", f"{client.url}: {note}"), *open_key))
    named = f"version {version}" if version else "a server that does not tell its version"
    return Server("", (Finding(Verdict.OK, "ollama", f"{named} at {client.url}"), *open_key))


async def look_at_generator(
    config: Config, client: OllamaClient, server: Server
) -> tuple[Finding, ...]:
    """Say what writes the answers, whether its context holds what is sent, and how it counts."""
    if config.answerer == "extractive":
        return (Finding(Verdict.OK, "answerer", "extractive: quotes from the knowledge"),)
    problem, notes = server.problem, tuple[str, ...]()
    if not problem:
        ready = await generator_readiness(client, config.gen_model, num_ctx=config.num_ctx)
        problem = ready.problem
        notes = tuple(note for note in ready.notes if note != version_note(ready.version))
    return _answerer(config, client, problem), _context(config, notes), _tokens(config)


def _answerer(config: Config, client: OllamaClient, problem: str) -> Finding:
    if not problem:
        return Finding(Verdict.OK, "answerer", f"{config.gen_model} on {client.url}")
    if config.answerer == "ollama":
        return Finding(Verdict.BAD, "answerer", problem, MODEL_EXIT)
    return Finding(Verdict.NOTE, "answerer", f"extractive, because: {problem}")


def _context(config: Config, notes: tuple[str, ...]) -> Finding:
    """Compare what may be sent and written with the window that is asked for."""
    beside = config.ctx_budget // HISTORY_SHARE + PROMPT_TOKENS
    needed = config.ctx_budget + beside + config.num_predict
    sizes = (
        f"CTX_BUDGET {config.ctx_budget:,}, NUM_PREDICT {config.num_predict:,} and about "
        f"{beside:,} for instructions and history"
    )
    if notes:
        return Finding(Verdict.NOTE, "context", " ".join(notes))
    if needed > config.num_ctx:
        return Finding(
            Verdict.NOTE,
            "context",
            f"NUM_CTX {config.num_ctx:,} is too small for {sizes}. "
            "[hint: increase NUM_CTX or reduce CTX_BUDGET]",
        )
    return Finding(Verdict.OK, "context", f"NUM_CTX {config.num_ctx:,} holds {sizes}")


def _tokens(config: Config) -> Finding:
    """Compare the estimate with what the model counted for the prompts it was sent."""
    counts = TokenCounts(STATE_DIR / TOKEN_COUNTS)
    suggested, factor = counts.suggested(config.gen_model, PROMPT_VERSION), config.chars_per_token
    told = f"CHARS_PER_TOKEN {factor:g}"
    if suggested is None:
        few = f"too few prompts counted by {config.gen_model} yet to check it"
        return Finding(Verdict.OK, "tokens", f"{told}; {few}")
    seen = f"the prompts that {config.gen_model} counted suggest {suggested:g}"
    if suggested < TOO_FEW * factor:
        return Finding(
            Verdict.NOTE,
            "tokens",
            f"{told} takes prompts for shorter than they are: {seen}. "
            f"[hint: set CHARS_PER_TOKEN={suggested:g}]",
        )
    if suggested > MANY_MORE * factor:
        seen += f", so that more fits [hint: set CHARS_PER_TOKEN={suggested:g}]"
    return Finding(Verdict.OK, "tokens", f"{told}; {seen}")


def _key_in_the_open(config: Config) -> Iterator[Finding]:
    """Note a key that everybody on the way could read; the key itself is never shown."""
    url = urlsplit(config.ollama_url)
    if config.ollama_api_key and url.scheme == "http" and not _is_here(url.hostname or ""):
        yield Finding(
            Verdict.NOTE,
            "api key",
            f"OLLAMA_API_KEY is sent to {url.hostname} over plain http, readable on the way. "
            "[hint: set OLLAMA_URL to an https:// address]",
        )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.casefold().rstrip(".").endswith("localhost")
