"""`clockify-bot doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

from core.articles import Limits, read_knowledge
from core.assembly import open_index
from core.config import Config
from core.errors import BotError, ModelUnavailable
from core.model_assembly import make_embedder, open_ollama
from core.ollama import OllamaClient
from core.pipeline import require_same
from core.protocols import EmbedderSpec
from core.readiness import embedder_readiness
from core.store import Opened, Store

from .config import SlackConfig
from .findings import Finding, Verdict, bad
from .membership import Verdict as SlackVerdict
from .model_findings import Server, look_at_generator, look_at_server
from .permissions import AdminCheck
from .startup import check_tokens, open_client

MAX_ADMINS = 20  # of ADMIN_USERS that are looked up


async def examine(config: Config, environ: dict[str, str]) -> AsyncIterator[Finding]:
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
        async for finding in _embedder_and_index(config, client, server, opened):
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
    config: Config, client: OllamaClient, server: Server, opened: Opened | BotError
) -> AsyncIterator[Finding]:
    indexed = opened.index.spec if isinstance(opened, Opened) else None
    spec, problem = await _embedder(config, client, server, indexed)
    if spec is not None:
        yield Finding(Verdict.OK, "embedder", str(spec))
    elif isinstance(opened, Opened):
        detail = f"questions are matched by words, because: {problem}"
        yield Finding(Verdict.NOTE, "embedder", detail)
    else:
        yield Finding(Verdict.BAD, "embedder", problem, ModelUnavailable.exit_code)
    if isinstance(opened, BotError):
        yield bad("index", opened)
        return
    try:
        if spec is not None:
            require_same(indexed, spec)
    except BotError as error:
        yield bad("index", error)
        return
    index = opened.index
    detail = f"generation {index.generation}: {index.articles} articles, {len(index.chunks)} chunks"
    for damaged in opened.damaged:
        yield Finding(Verdict.NOTE, "index", f"damaged, an older one answers: {damaged}")
    yield Finding(Verdict.OK, "index", f"{detail}, in {config.index_dir}")


async def _embedder(
    config: Config, client: OllamaClient, server: Server, indexed: EmbedderSpec | None
) -> tuple[EmbedderSpec | None, str]:
    """Give what embeds, or why nothing does; one that does not fit the index is the index's."""
    if config.embedder == "ollama":
        if server.problem:
            return None, server.problem
        ready = await embedder_readiness(client, config.emb_model, indexed=indexed)
        return ready.spec, ready.problem
    try:
        return await make_embedder(config, client).spec(), ""
    except ModelUnavailable as error:
        return None, str(error)


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
