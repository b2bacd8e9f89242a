"""`clockify-bot generations`: what may answer, whether it is whole, and back to an earlier one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from core.assembly import index_read, index_written, open_index
from core.config import Config
from core.lock import BuildLock, build_lock
from core.store import Store

from .json_errors import json_errors
from .options import KNOWLEDGE_OPTIONS, log_option, read_config, setting_options

SOME_DAMAGED = 1  # exit status
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@dataclass(frozen=True, slots=True)
class Above:
    """What was given before the subcommand: it counts unless given again behind it."""

    given: Mapping[str, Any]
    as_json: bool

    def config(self, given: Mapping[str, Any]) -> Config:
        """Read the settings with the options of both places."""
        behind = {name: value for name, value in given.items() if value is not None}
        return read_config({**self.given, **behind})


@click.group(invoke_without_command=True)
@setting_options(KNOWLEDGE_OPTIONS)
@json_option
@log_option("ERROR")
@click.pass_context
def generations(context: click.Context, /, as_json: bool, log_level: str, **given: Any) -> None:
    """List the generations of the index, newest first; verify, roll back, prune."""
    from .logs import set_up_logging

    set_up_logging(log_level.upper())
    context.obj = Above(given, as_json)
    if context.invoked_subcommand is None:
        with json_errors(as_json):
            config = context.obj.config({})
            with index_read(config.index_dir):
                _list(_store_with_index(config), as_json=as_json)


@generations.command()
@setting_options(KNOWLEDGE_OPTIONS)
@json_option
@click.pass_obj
def verify(above: Above, /, as_json: bool, **given: Any) -> None:
    """Read every file of every generation.

    The exit status is 0 when all are whole, 1 when some are damaged but questions are answered, 3
    when none is whole.
    """
    with json_errors(as_json := as_json or above.as_json):
        config = above.config(given)
        with index_read(config.index_dir):
            damaged = _verify(_store_with_index(config), as_json=as_json)
        sys.exit(SOME_DAMAGED if damaged else 0)


@generations.command()
@click.argument("number", required=False, metavar="[ID]")
@setting_options(KNOWLEDGE_OPTIONS)
@json_option
@click.pass_obj
def rollback(above: Above, /, number: str | None, as_json: bool, **given: Any) -> None:
    """Make generation ID live, by default the one before; running bots follow within 5 s."""
    with json_errors(as_json := as_json or above.as_json):
        with _locked(above.config(given), "clockify-bot generations rollback") as (store, lock):
            before, after = store.rollback(number, lock=lock)
            held_back = {info.number for info in store.list() if info.is_rolled_back}
        if as_json:
            _print_json({"before": before, "after": after, "held_back": before in held_back})
            return
        click.echo(f"{before or 'none'} → {after}: running bots answer from it within 5 s.")
        if before in held_back:
            click.echo(
                f"What {before} was built from is not published again, unless by: "
                "clockify-bot build --force"
            )


@generations.command()
@setting_options(KNOWLEDGE_OPTIONS)
@json_option
@click.pass_obj
def prune(above: Above, /, as_json: bool, **given: Any) -> None:
    """Delete all but the live generation and the two newest others."""
    from .generation_text import megabytes

    with json_errors(as_json := as_json or above.as_json):
        with _locked(above.config(given), "clockify-bot generations prune") as (store, lock):
            notes = store.repair(lock=lock)
            sizes = {info.number: info.bytes_on_disk for info in store.list()}
            removed = store.prune(lock=lock)
        freed = sum(sizes[number] for number in removed)
        if as_json:
            _print_json({"removed": removed, "bytes_freed": freed, "notes": notes})
            return
        for note in notes:
            click.echo(note)
        named, kept = ", ".join(removed) or "nothing", ", ".join(store.numbers()) or "none"
        click.echo(f"Deleted: {named} ({megabytes(freed)} freed). Kept: {kept}.")


def _list(store: Store, *, as_json: bool) -> None:
    from .generation_text import generation_to_json, print_table

    found = store.list()
    if as_json:
        rows = [generation_to_json(info) for info in found]
        _print_json({"index": str(store.folder), "live": store.live(), "generations": rows})
    else:
        print_table(found)


def _verify(store: Store, *, as_json: bool) -> list[str]:
    """Print what is whole and what is not; gives what is damaged."""
    from .generation_text import generation_to_json, state_text

    found, opened = store.list(), open_index(store)
    reasons = [f"generation {info.number}: {info.reason}" for info in found if info.reason]
    damaged = list(dict.fromkeys([*opened.damaged, *reasons]))
    answers = opened.index.generation
    if as_json:
        rows = [generation_to_json(info) for info in found]
        _print_json({"answers": answers, "damaged": damaged, "generations": rows})
        return damaged
    for info in found:
        click.echo(f"{info.number}  {state_text(info)}")
    for reason in damaged:
        click.echo(f"damaged: {reason}")
    advice = " Run: clockify-bot build (it sets aside what is damaged)." if damaged else ""
    click.echo(f"Generation {answers} answers.{advice}")
    return damaged


def _store_with_index(config: Config) -> Store:
    """Give the store; raises IndexUnusable where there is no generation."""
    store = Store(config.index_dir)
    if not store.numbers():
        store.open()
    return store


@contextmanager
def _locked(config: Config, purpose: str) -> Iterator[tuple[Store, BuildLock]]:
    """Hold the build lock of an index that is there."""
    with index_written(config.index_dir):
        store, seconds = _store_with_index(config), config.build_lock_timeout
        with build_lock(store.folder, timeout_seconds=seconds, purpose=purpose) as lock:
            yield store, lock


def _print_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
