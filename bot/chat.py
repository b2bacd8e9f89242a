"""`clockify-bot chat`: questions and replies in a terminal, follow-ups included."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, ModuleType

import click

from core.errors import BotError
from core.types import Exchange, Notice, Question, Turn

from .asking import Asker
from .output import debug_text, reply_text, sources_text, turn_to_json, turn_to_text
from .question_log import question_logged
from .terminal_stream import TerminalStream, streams_to_terminal
from .typed import readable

PROMPT = "> "
WELCOME = "Ask away. :sources  :debug  :help  :exit"
HELP = """\
:sources  the sources of the last answer, with their headings
:debug    show scores and times with each reply, or stop
:exit     leave (as do Ctrl-D and Ctrl-C; while an answer is written, Ctrl-C stops that)"""
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
        """Ask with the exchanges before, and show what comes of it, in a terminal as it comes."""
        self._number += 1
        question = Question(text, tuple(self._exchanges), str(self._number))
        is_on = streams_to_terminal(as_json=self._as_json)
        with TerminalStream(is_on=is_on, before="\n") as stream:
            turn = await _ask(self._asker, question, stream)
            if turn is not None and not self._as_json:
                stream.finish(f"{turn_to_text(turn, debug=self._debug)}\n")
        if turn is None:
            return
        self._last = turn
        if self._as_json:
            click.echo(json.dumps(turn_to_json(turn, id=question.id), ensure_ascii=False))
        if not isinstance(turn.reply, Notice):
            self._exchanges.append(Exchange(text, reply_text(turn)))


async def _ask(asker: Asker, question: Question, stream: TerminalStream) -> Turn | None:
    """Give what came of a question; None, and why on standard error, when it was not answered."""
    on_draft = stream.draft if stream.is_on else None
    with question_logged(question.id, surface="chat", generation=asker.generation) as record:
        asking = asyncio.ensure_future(asker.ask(question, on_draft))
        try:
            with _ctrl_c_cancels(asking):
                await asyncio.wait({asking})
            turn = asking.result()
        except BotError as error:
            stream.abandon(f"error: {error}")
            return None
        except asyncio.CancelledError:
            if not asking.cancelled() or _is_cancelled_itself():
                raise
            record.outcome = "stopped"
            stream.abandon("Stopped.")
            return None
        finally:
            asking.cancel()
        record.ended(turn)
        return turn


@contextmanager
def _ctrl_c_cancels(asking: asyncio.Future[Turn]) -> Iterator[None]:
    """Let Ctrl-C stop a question, which closes the request at the server; a second one leaves."""
    loop = asyncio.get_running_loop()

    def stop(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        loop.call_soon_threadsafe(asking.cancel)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _is_cancelled_itself() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


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
