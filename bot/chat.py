"""`clockify-bot chat`: questions and replies in a terminal, follow-ups included."""

from __future__ import annotations

import json
import signal
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import click

from core.errors import BotError
from core.types import Exchange, Question, Turn

from .desk import Asker
from .output import debug_text, log_turn, reply_text, sources_text, turn_to_json, turn_to_text
from .typed import readable

PROMPT = "> "
WELCOME = "Ask away. :sources  :debug  :help  :exit"
HELP = """\
:sources  the sources of the last answer, with their headings
:debug    show scores and times with each reply, or stop
:exit     leave (as do Ctrl-D and Ctrl-C)"""
REMEMBERED = 3  # exchanges that a follow-up may refer to
HISTORY_LINES = 1000


async def chat(asker: Asker, *, debug: bool, as_json: bool, history_file: Path) -> None:
    """Read questions until :exit or the end of input."""
    readline = _open_history(history_file)
    exchanges: deque[Exchange] = deque(maxlen=REMEMBERED)
    last: Turn | None = None
    click.echo(WELCOME)
    try:
        while (line := _read_line()) is not None:
            match line.strip():
                case "":
                    continue
                case ":exit" | ":quit" | ":q":
                    break
                case ":help":
                    click.echo(HELP)
                case ":debug":
                    debug = not debug
                    click.echo(f"Scores and times are {'shown' if debug else 'hidden'}.")
                    if debug and last is not None:
                        click.echo(debug_text(last))
                case ":sources":
                    click.echo(sources_text(last) if last is not None else "Nothing asked yet.")
                case command if command.startswith(":"):
                    click.echo(f"{command} is no command.\n{HELP}")
                case text:
                    turn = await _ask(asker, text, exchanges)
                    if turn is not None:
                        last = turn
                        _show(turn, debug=debug, as_json=as_json)
    finally:
        if readline is not None:
            with suppress(OSError):
                readline.write_history_file(history_file)


async def _ask(asker: Asker, text: str, exchanges: deque[Exchange]) -> Turn | None:
    try:
        turn = await asker.ask(Question(text, tuple(exchanges)))
    except BotError as error:
        click.echo(f"error: {error}", err=True)
        return None
    log_turn(turn, id="1", surface="chat")
    exchanges.append(Exchange(text, reply_text(turn)))
    return turn


def _show(turn: Turn, *, debug: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(turn_to_json(turn, id="1"), ensure_ascii=False))
    else:
        click.echo(f"\n{turn_to_text(turn, debug=debug)}\n")


def _read_line() -> str | None:
    """Wait for a line here, not in a thread, which Ctrl-C could not end; None to leave."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # asyncio's waits for us
    try:
        return readable(input(PROMPT))
    except UnicodeDecodeError:
        return "\ufffd"
    except (EOFError, KeyboardInterrupt):
        click.echo()
        return None
    finally:
        signal.signal(signal.SIGINT, before)


def _open_history(path: Path) -> ModuleType | None:
    """Load earlier lines where the terminal library exists (it does not on Windows)."""
    try:
        import readline
    except ImportError:
        return None
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.read_history_file(path)
    readline.set_history_length(HISTORY_LINES)
    return readline
