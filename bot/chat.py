"""`clockify-bot chat`: questions and replies in a terminal, follow-ups included."""

from __future__ import annotations

import json
import signal
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import click

from core.errors import BotError
from core.types import Exchange, Notice, Question, Turn

from .asking import Asker
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
    conversation = _Conversation(asker, debug=debug, as_json=as_json)
    conversation.say(WELCOME)
    try:
        while (line := _read_line(to_stderr=as_json)) is not None:
            match line.strip():
                case "":
                    continue
                case ":exit" | ":quit" | ":q":
                    break
                case command if command.startswith(":"):
                    conversation.obey(command)
                case text:
                    await before_asking()
                    await conversation.ask(text)
    finally:
        if readline is not None:
            with suppress(OSError):
                readline.write_history_file(history_file)


class _Conversation:
    """What a chat remembers: the exchanges, the last turn, and how replies are shown."""

    def __init__(self, asker: Asker, *, debug: bool, as_json: bool) -> None:
        self._asker = asker
        self._debug = debug
        self._as_json = as_json
        self._exchanges: deque[Exchange] = deque(maxlen=REMEMBERED)
        self._last: Turn | None = None
        self._number = 0

    def say(self, text: str) -> None:
        """Say what is no reply."""
        click.echo(text, err=self._as_json)

    def obey(self, command: str) -> None:
        """Follow a command other than that to leave."""
        match command:
            case ":help":
                self.say(HELP)
            case ":debug":
                self._debug = not self._debug
                self.say(f"Scores and times are {'shown' if self._debug else 'hidden'}.")
                if self._debug and self._last is not None:
                    self.say(debug_text(self._last))
            case ":sources":
                last = self._last
                self.say(sources_text(last) if last is not None else "Nothing asked yet.")
            case _:
                self.say(f"{command} is no command.\n{HELP}")

    async def ask(self, text: str) -> None:
        """Ask with the exchanges before, and show what comes of it."""
        self._number += 1
        turn = await _ask(self._asker, text, self._exchanges, id=str(self._number))
        if turn is not None:
            self._last = turn
            _show(turn, debug=self._debug, as_json=self._as_json)


async def _ask(asker: Asker, text: str, exchanges: deque[Exchange], *, id: str) -> Turn | None:
    try:
        with question_logged(id, surface="chat", generation=asker.generation) as record:
            turn = await asker.ask(Question(text, tuple(exchanges), id))
            record.ended(turn)
    except BotError as error:
        click.echo(f"error: {error}", err=True)
        return None
    if not isinstance(turn.reply, Notice):
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
