"""python -m bot.simulator: the local Slack alone, for a bot that runs elsewhere on this machine."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from .manifest import ManifestError
from .server import Simulator


async def serve(manifest: Path, port: int) -> None:
    """Print the address and the tokens, then serve until interrupted."""
    async with await Simulator.start(manifest, port=port) as simulator:
        print(f"Local Slack: {simulator.url}")
        print(f"SLACK_API_URL={simulator.api_url}")
        print(f"SLACK_BOT_TOKEN={simulator.bot_token}")
        print(f"SLACK_APP_TOKEN={simulator.app_token}", flush=True)
        interrupted = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
        await interrupted.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bot.simulator", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=Path("manifest.yml"))
    parser.add_argument("--port", type=int, default=3000, help="the next free one is taken")
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.manifest, arguments.port))
    except ManifestError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
