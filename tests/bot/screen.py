"""A command in a pseudo-terminal, with a keyboard and a screen to read."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .terminal import MODULE, WAIT_SECONDS, Terminal


class Screen:
    """What a process shows; standard error is on it too, unless it goes to a file."""

    def __init__(self, terminal: Terminal, *arguments: str, errors: str = "") -> None:
        self._end, inner = pty.openpty()
        stderr = os.open(terminal.folder / errors, os.O_CREAT | os.O_WRONLY) if errors else inner
        self.process = subprocess.Popen(
            [*MODULE, *arguments],
            cwd=terminal.folder,
            env={**terminal.environ, "TERM": "dumb"},
            stdin=inner,
            stdout=inner,
            stderr=stderr,
            start_new_session=True,
        )
        for handle in {inner, stderr}:
            os.close(handle)
        self.shown = ""  # since the last wait()
        self.everything = ""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._end, keys.encode())

    def wait(self, pattern: str) -> None:
        """Wait until the new part of the screen shows a pattern, and clear it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not re.search(pattern, self.shown):
            assert self._read(deadline), self.everything
        self.shown = ""

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """Read to the end; give the exit status."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self._read(deadline):
            pass
        return self.process.wait(WAIT_SECONDS)

    def close(self) -> None:
        """End everything."""
        self.process.kill()
        self.process.wait()
        os.close(self._end)

    def _read(self, deadline: float) -> bool:
        """Read what is there or comes in time; False when nobody holds the terminal any more."""
        ready, _, _ = select.select([self._end], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, self.everything
        read = b""
        with suppress(OSError):  # EIO: the process is gone
            read = os.read(self._end, 65536)
        text = read.decode(errors="replace").replace("\r\n", "\n")
        self.shown += text
        self.everything += text
        return bool(read)


@contextmanager
def screen(terminal: Terminal, *arguments: str, errors: str = "") -> Iterator[Screen]:
    """Start a command; whatever happens, it ends."""
    started = Screen(terminal, *arguments, errors=errors)
    try:
        yield started
    finally:
        started.close()
