"""`clockify-bot chat`: questions and replies in a terminal, follow-ups included."""

from __future__ import annotations

import json
import signal
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType

import click

from core.errors import BotError
from core.types import Exchange, Question, Turn

from .desk import Asker
from .output import debug_text, reply_text, sources_text, turn_to_json, turn_to_text
from .question_log import question_logged
from .typed import readable

PROMPT = "> "
WELCOME = "Ask away. :sources  :debug  :help  :exit"
HELP = """\
:sources  the sources of the last answer, with their headings
:debug    show scores and times with each reply, or stop
:exit     leave (as do Ctrl-D and Ctrl-C)"""
REMEMBERED = 3  # exchanges that a follow-up may refer to
HISTORY_LINES = 1000


async def chat(
    asker: Asker,
    *,
    before_asking: Callable[[], Awaitable[object]],
    debug: bool,
    as_json: bool,
    history_file: Path,
) -> None:
    """Read questions until :exit or the end of input; as JSON, nothing else is on stdout.

    Nothing runs while a line is waited for, so before_asking is where the index is followed.
    """
    readline = _open_history(history_file)
    exchanges: deque[Exchange] = deque(maxlen=REMEMBERED)
    last: Turn | None = None
    number = 0
    say = partial(click.echo, err=as_json)
    say(WELCOME)
    try:
        while (line := _read_line(to_stderr=as_json)) is not None:
            match line.strip():
                case "":
                    continue
                case ":exit" | ":quit" | ":q":
                    break
                case ":help":
                    say(HELP)
                case ":debug":
                    debug = not debug
                    say(f"Scores and times are {'shown' if debug else 'hidden'}.")
                    if debug and last is not None:
                        say(debug_text(last))
                case ":sources":
                    say(sources_text(last) if last is not None else "Nothing asked yet.")
                case command if command.startswith(":"):
                    say(f"{command} is no command.\n{HELP}")
                case text:
                    number += 1
                    await before_asking()
                    turn = await _ask(asker, text, exchanges, id=str(number))
                    if turn is not None:
                        last = turn
                        _show(turn, debug=debug, as_json=as_json)
    finally:
        if readline is not None:
            with suppress(OSError):
                readline.write_history_file(history_file)


async def _ask(asker: Asker, text: str, exchanges: deque[Exchange], *, id: str) -> Turn | None:
    try:
        with question_logged(id, surface="chat", generation=asker.generation) as record:
            turn = await asker.ask(Question(text, tuple(exchanges), id))
            record.ended(turn)
    except BotError as error:
        click.echo(f"error: {error}", err=True)
        return None
    exchanges.append(Exchange(text, reply_text(turn)))
    return turn


def _show(turn: Turn, *, debug: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(turn_to_json(turn, id=turn.question.id), ensure_ascii=False))
    else:
        click.echo(f"\n{turn_to_text(turn, debug=debug)}\n")


def _read_line(*, to_stderr: bool) -> str | None:
    """Wait for a line here, not in a thread, which Ctrl-C could not end; None to leave."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # asyncio's waits for us
    try:
        if to_stderr:
            click.echo(PROMPT, nl=False, err=True)
        return readable(input("" if to_stderr else PROMPT))
    except UnicodeDecodeError:
        return "\ufffd"
    except (EOFError, KeyboardInterrupt):
        click.echo(err=to_stderr)
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
