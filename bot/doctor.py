"""`clockify-bot doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import click
from slack_sdk.web.async_client import AsyncWebClient

from core.articles import Limits, read_knowledge
from core.assembly import LEXICAL_NOTE, open_index
from core.config import Config
from core.embedder_checks import START_SECONDS, opened_embedder
from core.errors import BotError, ModelUnavailable
from core.model_assembly import make_embedder, open_ollama
from core.ollama import OllamaClient
from core.pipeline import require_same
from core.readiness import Readiness, version_note
from core.store import Opened, Store

from .config import SlackConfig
from .findings import Finding, Verdict, bad
from .membership import Verdict as SlackVerdict
from .model_findings import Server, look_at_generator, look_at_server
from .permissions import AdminCheck
from .startup import check_tokens, open_client

MAX_ADMINS = 20  # of ADMIN_USERS that are looked up


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds for an embedding model: longer than a start, which keeps people from answers."""

    embedder: float = 20.0
    silence: float = 2.0  # before it is said what is waited for
    start: float = START_SECONDS


async def examine(
    config: Config,
    environ: dict[str, str],
    waits: Waits = Waits(),
) -> AsyncIterator[Finding]:
    """Look at everything that `run` needs, the cheap things first; settings are read already."""
    yield Finding(Verdict.OK, "settings", "all values are valid")
    opened: Opened | BotError
    try:
        opened = open_index(Store(config.index_dir))
    except BotError as error:
        opened = error
    yield _knowledge(config.knowledge, config, has_index=isinstance(opened, Opened))
    async with open_ollama(config) as client:
        server = await look_at_server(config, client)
        for finding in server.findings:
            yield finding
        async for finding in _embedder_and_index(config, client, server, opened, waits):
            yield finding
        for finding in await look_at_generator(config, client, server):
            yield finding
    yield await examine_slack(environ)


def _knowledge(path: Path, config: Config, *, has_index: bool) -> Finding:
    limits = Limits(config.max_file_mb * 2**20, config.max_article_kb * 2**10)
    try:
        knowledge = read_knowledge(path, limits=limits)
    except BotError as error:
        return _needed_to_build(str(error), has_index=has_index)
    count, warnings = len(knowledge.articles), len(knowledge.warnings)
    if not count:
        return _needed_to_build(f"{path} holds no article.", has_index=has_index)
    named = f", {warnings} warnings (clockify-bot build names them)" if warnings else ""
    return Finding(Verdict.OK, "knowledge", f"{path}: {count} articles{named}")


def _needed_to_build(problem: str, *, has_index: bool) -> Finding:
    if has_index:
        detail = f"{problem} The index answers without it, but cannot be built again."
        return Finding(Verdict.NOTE, "knowledge", detail)
    return Finding(Verdict.BAD, "knowledge", problem, 2)


async def _embedder_and_index(
    config: Config,
    client: OllamaClient,
    server: Server,
    opened: Opened | BotError,
    waits: Waits,
) -> AsyncIterator[Finding]:
    ready, late = await _embedder(config, client, server, waits)
    yield _embedder_finding(ready, late, has_index=isinstance(opened, Opened))
    if isinstance(opened, BotError):
        yield bad("index", opened)
        return
    index = opened.index
    try:
        if ready.spec is not None:
            require_same(index.spec, ready.spec)
    except BotError as error:
        yield bad("index", error)
        return
    detail = f"generation {index.generation}: {index.articles} articles, {len(index.chunks)} chunks"
    for damaged in opened.damaged:
        yield Finding(Verdict.NOTE, "index", f"damaged, an older one answers: {damaged}")
    if index.spec is None:
        detail = f"{detail}, in {config.index_dir}. {LEXICAL_NOTE}"
        yield Finding(Verdict.NOTE, "index", detail)
        return
    yield Finding(Verdict.OK, "index", f"{detail}, in {config.index_dir}")


async def _embedder(
    config: Config, client: OllamaClient, server: Server, waits: Waits
) -> tuple[Readiness, str]:
    """Give what embeds, or why nothing does; and "", or that it was too late for a start."""
    is_asked = config.embedder == "ollama"
    if is_asked and server.problem:
        return Readiness(server.problem), ""
    loop = asyncio.get_running_loop()
    started, embedder = loop.time(), make_embedder(config, client)
    telling = loop.call_later(waits.silence, _tell_of_waiting, config.emb_model, waits.embedder)
    if not is_asked:
        telling.cancel()
    try:
        async with opened_embedder(
            embedder, client, config.emb_model, seconds=waits.embedder
        ) as ready:
            seconds = loop.time() - started
    finally:
        telling.cancel()
    if not is_asked or seconds <= waits.start:
        return ready, ""
    return ready, (
        f"It took {seconds:.0f} s, and a start waits for {waits.start:g} s: "
        "until it is loaded, questions are matched by words."
    )


def _tell_of_waiting(model: str, seconds: float) -> None:
    click.echo(f"Waiting up to {seconds:g} s for {model} to embed a word …", err=True)


def _embedder_finding(ready: Readiness, late: str, *, has_index: bool) -> Finding:
    if ready.spec is None and has_index:
        detail = f"questions are matched by words, because: {ready.problem}"
        return Finding(Verdict.NOTE, "embedder", detail)
    if ready.spec is None:
        return Finding(Verdict.BAD, "embedder", ready.problem, ModelUnavailable.exit_code)
    said = version_note(ready.version)  # of the server, above
    notes = [note for note in (*ready.notes, late) if note not in ("", said)]
    if notes:
        return Finding(Verdict.NOTE, "embedder", f"{ready.spec}: {' '.join(notes)}")
    return Finding(Verdict.OK, "embedder", str(ready.spec))


async def examine_slack(environ: dict[str, str]) -> Finding:
    """Look at the tokens, their scopes, and whether the admins may do what they are named for."""
    try:
        slack = SlackConfig.from_env(environ)
        async with open_client(slack) as client:
            identity = await check_tokens(client, slack)
            problem = await _admin_problem(client, slack, identity.team_id)
    except BotError as error:
        return bad("slack", error)
    if problem:
        return Finding(Verdict.NOTE, "slack", f"connected to {identity.team}, but {problem}")
    return Finding(Verdict.OK, "slack", f"connected to {identity.team}, tokens and scopes are good")


async def _admin_problem(client: AsyncWebClient, slack: SlackConfig, team_id: str) -> str:
    """Say why somebody who is meant to may not rebuild; "" when all may."""
    group = slack.admin_usergroup
    check = AdminCheck(client, admins=slack.admins, usergroup=group, team_id=team_id)
    if not slack.admins and not group:
        return "ADMIN_USERS is empty: nobody may rebuild"
    if group:
        members = await check.members()
        if not members:
            reason = "cannot be read" if members is None else "has no members"
            return f"ADMIN_USERGROUP={group} {reason}"
    for user in slack.admins[:MAX_ADMINS]:
        verdict = await check.verdict(user)
        if verdict is not SlackVerdict.ALLOWED:
            return f"{user} of ADMIN_USERS may not rebuild: {verdict.value}"
    return ""
