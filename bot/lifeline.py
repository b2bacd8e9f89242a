"""What ties a builder to the process that started it: standard input, held open at the other end.

The end of input means that the parent has died, however it died, or that it gave the build up. The
build is then interrupted and must not publish; one that is publishing already finishes, so that its
report and the state on disk are true.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType

from .signals import INTERRUPTED

# To clear up after the end of input; the kernel drops the build lock in any case.
GRACE_SECONDS = 5.0
PUBLISHING_SECONDS = 20.0  # more of it while publishing: a disk may take its time to confirm


class Lifeline:
    """Interrupts the main thread, once, at the end of input or at SIGTERM or Ctrl-C.

    Whatever order they come in: either is_wanted() has said True and nothing interrupts any more,
    or it says False.
    """

    def __init__(
        self,
        *,
        grace_seconds: float = GRACE_SECONDS,
        publishing_seconds: float = PUBLISHING_SECONDS,
    ) -> None:
        self._grace_seconds = grace_seconds
        self._publishing_seconds = publishing_seconds
        self._is_cut = False
        self._is_publishing = False
        self._has_interrupted = False

    def hold(self, descriptor: int = 0) -> None:
        """Watch from now on; call it in the main thread."""
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._on_signal)
        threading.Thread(
            target=self._watch, args=(descriptor,), name="lifeline", daemon=True
        ).start()

    def is_wanted(self) -> bool:
        """Say whether the build may publish; asked right before it does."""
        self._is_publishing = True  # first: what comes after this line does not interrupt
        if self._is_cut:
            self._is_publishing = False
        return not self._is_cut

    def goes_on(self) -> None:
        """Note that the build works on, so that it has not published after all."""
        self._is_publishing = False
        if self._is_cut:
            self._interrupt_once()

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        self._is_cut = True
        if not self._is_publishing:
            self._interrupt_once()

    def _interrupt_once(self) -> None:
        """Raise KeyboardInterrupt; never again, for that would disturb the clearing up."""
        if not self._has_interrupted:
            self._has_interrupted = True
            raise KeyboardInterrupt

    def _watch(self, descriptor: int) -> None:
        with suppress(OSError):
            while os.read(descriptor, 4096):
                pass
        if hasattr(signal, "pthread_kill"):  # wakes the event loop, too
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        else:  # Windows, untested
            import _thread

            _thread.interrupt_main(signal.SIGTERM)
        time.sleep(self._grace_seconds)
        if self._is_publishing:
            time.sleep(self._publishing_seconds)
        os._exit(INTERRUPTED)  # stuck in a call that no signal ends
