"""Command-line options made from the settings, so that both have one name, check and help."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from dotenv import dotenv_values

from core.config import Config
from core.errors import SettingsError
from core.settings import setting_rows

from .logs import LEVELS

F = TypeVar("F", bound=Callable[..., Any])

# option name → variable; the help is the setting's own
KNOWLEDGE_OPTIONS = {"--knowledge": "KNOWLEDGE", "--index": "INDEX"}
EMBEDDING_OPTIONS = {
    "--ollama-url": "OLLAMA_URL",
    "--emb-model": "EMB_MODEL",
    "--retries": "RETRIES",
}
ANSWER_OPTIONS = {
    "--gen-model": "GEN_MODEL",
    "--ctx-budget": "CTX_BUDGET",
    "--topk": "TOPK",
    "--pack": "PACK",
    "--threshold": "THRESHOLD",
    "--seed": "SEED",
    "--num-ctx": "NUM_CTX",
    "--num-predict": "NUM_PREDICT",
}
BUILD_OPTIONS = {**KNOWLEDGE_OPTIONS, **EMBEDDING_OPTIONS}
ASK_OPTIONS = {**BUILD_OPTIONS, **ANSWER_OPTIONS}
HELP = {row.env: row.help for row in setting_rows(Config)}


def setting_options(options: Mapping[str, str]) -> Callable[[F], F]:
    """Add options to a command; their values arrive by variable name, for read_config."""

    def decorate(command: F) -> F:
        for option, variable in reversed(list(options.items())):
            command = click.option(
                option, variable.lower(), metavar="VALUE", help=f"{HELP[variable]} [{variable}]"
            )(command)
        return command

    return decorate


def log_option(default: str) -> Callable[[F], F]:
    """Add --log; LOG_LEVEL sets it too, in .env or the environment."""
    return click.option(
        "--log",
        "log_level",
        default=lambda: read_environment().get("LOG_LEVEL", "").strip() or default,
        show_default=default,
        type=click.Choice(LEVELS, case_sensitive=False),
        help="How much is logged to standard error. [LOG_LEVEL]",
    )


def read_environment() -> dict[str, str]:
    """Give the variables of .env in this folder with those of the process over them."""
    path = Path(".env")
    try:
        read = dotenv_values(path) if path.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.resolve()} cannot be read: {error}.") from error
    return {**{name: value for name, value in read.items() if value is not None}, **os.environ}


def read_config(given: Mapping[str, Any]) -> Config:
    """Make the settings from .env, the environment and the options, the later winning."""
    chosen = {name.upper(): str(value) for name, value in given.items() if value is not None}
    return Config.from_env({**read_environment(), **chosen})
