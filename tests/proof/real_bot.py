"""The bot as `clockify-bot run` starts it, and how late its event loop was at worst.

python -m tests.proof.real_bot reads the settings from the environment. SIGUSR1 prints the most
milliseconds that the loop was late since the last time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress

from bot.app import serve
from bot.config import SlackConfig
from bot.following import following
from bot.rebuilding import ChildRebuilder
from bot.signals import serve_until_stopped
from core.assembly import open_pipeline
from core.config import Config

STEP_SECONDS = 0.005


class Lateness:
    """Watches how much later than asked the loop wakes a task."""

    worst_ms = 0.0

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            started = time.perf_counter()
            await asyncio.sleep(STEP_SECONDS)
            late = time.perf_counter() - started - STEP_SECONDS
            self.worst_ms = max(self.worst_ms, late * 1000)

    def tell(self) -> None:
        """Print the worst, and begin anew."""
        print(f"{self.worst_ms:.1f}", flush=True)
        self.worst_ms = 0.0


async def serve_real(stop: asyncio.Event, is_serving: asyncio.Event) -> None:
    """Serve until told to stop."""
    config, slack = Config.from_env(os.environ), SlackConfig.from_env(os.environ)
    lateness = Lateness()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lateness.tell)
    async with (
        open_pipeline(config, quotes_on_failure=True) as assembled,
        following(assembled) as follower,
    ):
        watching = asyncio.create_task(lateness.watch())
        rebuilder = ChildRebuilder(config, assembled.pipeline, follower)
        try:
            await serve(
                slack,
                assembled.pipeline,
                rebuilder,
                stop,
                on_ready=lambda _: is_serving.set(),
                live_meta=assembled.store.meta,
            )
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching


if __name__ == "__main__":
    serve_until_stopped(serve_real)
