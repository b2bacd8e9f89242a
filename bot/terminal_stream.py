"""An answer while it is written, in a terminal: what is certain of it, then the rest.

What streams into a terminal ends as the very text that a pipe gets. Only a terminal is written to
before the answer is whole; where it is taken back after all, the text that replaces it says so.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import click

WAITING = "…"
REPLACED = "(That was not kept. What follows replaces it.)"


class TerminalStream:
    """Shows one reply on standard output; `with` it around the question, finish() with the whole.

    Each draft begins with the one before it.
    """

    def __init__(self, *, is_on: bool, before: str = "") -> None:
        """Take whether anything is shown ahead of the whole, and what goes before the reply."""
        self._is_on = is_on
        self._before = before
        self._shown = ""
        self._is_waiting = False

    @property
    def is_on(self) -> bool:
        """Say whether drafts are worth making."""
        return self._is_on

    def __enter__(self) -> Self:
        """Show on standard error that something goes on."""
        if self._is_on and sys.stderr.isatty():
            click.echo(WAITING, nl=False, err=True)
            self._is_waiting = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the cursor where the next line can begin."""
        self._stop_waiting()
        if error is not None and self._shown:
            click.echo()

    def draft(self, text: str) -> None:
        """Show what is new of the text so far."""
        if text.startswith(self._shown):
            self._say(text[len(self._shown) :])
            self._shown = text

    def finish(self, text: str) -> None:
        """Show the rest of the whole reply, or all of it when it begins otherwise."""
        if text.startswith(self._shown):
            self._say(f"{text[len(self._shown) :]}\n")
        else:
            self._say(f"\n\n{REPLACED}\n\n{text}\n")
        self._shown = ""

    def abandon(self, why: str) -> None:
        """Say on standard error why there is no whole."""
        self._stop_waiting()
        if self._shown:
            click.echo("\n")
        self._shown = ""
        click.echo(why, err=True)

    def _say(self, text: str) -> None:
        self._stop_waiting()
        click.echo(self._before + text, nl=False)
        self._before = ""

    def _stop_waiting(self) -> None:
        if self._is_waiting:
            # Without escape codes, which a dumb terminal would show.
            click.echo(f"\r{' ' * len(WAITING)}\r", nl=False, err=True)
            self._is_waiting = False


def streams_to_terminal(*, as_json: bool) -> bool:
    """Say whether replies are shown while they are written: to a person, not to a program."""
    return not as_json and sys.stdout.isatty()
