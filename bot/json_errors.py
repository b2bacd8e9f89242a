"""Errors of a command that was asked for JSON: one object on standard output, like any result."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from core.errors import BotError, DurabilityUnknown

from .signals import INTERRUPTED


def error_to_json(error: BotError) -> dict[str, Any]:
    """Give the object that tells a program of an error, and whether what was asked happened."""
    told: dict[str, Any] = {"error": str(error), "exit_code": error.exit_code}
    return {**told, "is_published": True} if isinstance(error, DurabilityUnknown) else told


@contextmanager
def json_errors(as_json: bool) -> Iterator[None]:
    """Where JSON is wanted, print errors and Ctrl-C as JSON, and exit with their status."""
    if not as_json:
        yield
        return
    try:
        yield
    except BotError as error:
        click.echo(json.dumps(error_to_json(error), ensure_ascii=False))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        click.echo(json.dumps({"error": "interrupted", "exit_code": INTERRUPTED}))
        sys.exit(INTERRUPTED)
