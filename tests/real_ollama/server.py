"""Run the real Ollama on a free port of loopback; the whole process group ends with it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from .place import SetUpError

READY_SECONDS = 60.0
END_SECONDS = 10.0
LISTENING = re.compile(rb"Listening on 127\.0\.0\.1:(\d+)")


class RealOllama:
    """Serves the models of a set-up folder: `with RealOllama(home()) as server: server.url`.

    One slot, as Ollama's own default since 2025-07, and no GPU; nothing of the environment
    (proxies, OLLAMA_ variables) reaches it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = ""

    def __enter__(self) -> Self:
        self._private = tempfile.TemporaryDirectory(prefix="real-ollama-")  # its key, its log
        self._log = Path(self._private.name) / "serve.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(self._folder / "run" / "ollama-lib"), "serve"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.url = self._wait_for_address()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def log_tail(self) -> str:
        """Return the last lines that the server wrote."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-15:])

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": self._private.name,
            "TMPDIR": self._private.name,
            "LD_LIBRARY_PATH": f"{folder / 'run'}:{folder / 'stub'}:{folder / 'lib'}",
            "OLLAMA_HOST": "127.0.0.1:0",
            "OLLAMA_MODELS": str(folder / "models"),
            "OLLAMA_NOPRUNE": "1",  # another test run may be creating models
            "OLLAMA_NUM_GPU": "0",  # without it a chat aborts
            "OLLAMA_NUM_PARALLEL": "1",
            "KMP_BLOCKTIME": "0",  # threads that wait leave the core to others
        }

    def _wait_for_address(self) -> str:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if found := LISTENING.search(self._log.read_bytes()):
                return f"http://127.0.0.1:{int(found[1])}"
            time.sleep(0.05)
        raise SetUpError(
            f"The real Ollama did not start (exit {self._process.poll()}). "
            f"Remove {self._folder} and run python -m tests.real_ollama again.\n{self.log_tail()}"
        )

    def _end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        self._private.cleanup()
