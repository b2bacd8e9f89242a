"""`clockify-bot doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

from core.answerers.ollama import check_ready
from core.articles import Limits, read_knowledge
from core.assembly import make_embedder, open_index, open_ollama
from core.config import Config
from core.errors import BotError, ModelUnavailable
from core.pipeline import require_same
from core.store import Opened, Store

from .config import SlackConfig
from .membership import Verdict as SlackVerdict
from .permissions import AdminCheck
from .startup import check_tokens, open_client

MAX_ADMINS = 20  # of ADMIN_USERS that are looked up


class Verdict(StrEnum):
    """OK works, NOTE works with less, BAD: the bot could not run."""

    OK = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; exit_code counts when it is BAD."""

    verdict: Verdict
    subject: str
    detail: str
    exit_code: int = 0

    def __str__(self) -> str:
        return f"{self.verdict:<5} {self.subject:<12} {self.detail}"


async def examine(config: Config, environ: dict[str, str]) -> AsyncIterator[Finding]:
    """Look at everything that `run` needs, the cheap things first; settings are read already."""
    yield Finding(Verdict.OK, "settings", "all values are valid")
    opened: Opened | BotError
    try:
        opened = open_index(Store(config.index_dir))
    except BotError as error:
        opened = error
    yield _knowledge(config.knowledge, config, has_index=isinstance(opened, Opened))
    async for finding in _embedder_and_index(config, opened):
        yield finding
    yield await _answerer(config)
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


async def _embedder_and_index(config: Config, opened: Opened | BotError) -> AsyncIterator[Finding]:
    spec = None
    async with open_ollama(config) as client:
        try:
            spec = await make_embedder(config, client).spec()
            yield Finding(Verdict.OK, "embedder", str(spec))
        except ModelUnavailable as error:
            if isinstance(opened, Opened):
                detail = f"questions are matched by words, because: {error}"
                yield Finding(Verdict.NOTE, "embedder", detail)
            else:
                yield _bad("embedder", error)
    if isinstance(opened, BotError):
        yield _bad("index", opened)
        return
    try:
        if spec is not None:
            require_same(opened.index.spec, spec)
    except BotError as error:
        yield _bad("index", error)
        return
    index = opened.index
    detail = f"generation {index.generation}: {index.articles} articles, {len(index.chunks)} chunks"
    for damaged in opened.damaged:
        yield Finding(Verdict.NOTE, "index", f"damaged, an older one answers: {damaged}")
    yield Finding(Verdict.OK, "index", f"{detail}, in {config.index_dir}")


async def _answerer(config: Config) -> Finding:
    if config.answerer == "extractive":
        return Finding(Verdict.OK, "answerer", "extractive: quotes from the knowledge")
    async with open_ollama(config) as client:
        problem = await check_ready(client, config.gen_model)
        if problem is None:
            return Finding(Verdict.OK, "answerer", f"{config.gen_model} on {client.url}")
    if config.answerer == "ollama":
        return Finding(Verdict.BAD, "answerer", problem, 4)
    return Finding(Verdict.NOTE, "answerer", f"extractive, because: {problem}")


async def examine_slack(environ: dict[str, str]) -> Finding:
    """Look at the tokens, their scopes, and whether the admins may do what they are named for."""
    try:
        slack = SlackConfig.from_env(environ)
        async with open_client(slack) as client:
            identity = await check_tokens(client, slack)
            problem = await _admin_problem(client, slack, identity.team_id)
    except BotError as error:
        return _bad("slack", error)
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


def _bad(subject: str, error: BotError) -> Finding:
    return Finding(Verdict.BAD, subject, str(error), error.exit_code)
