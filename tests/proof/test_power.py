"""Power cut before every step of a build, on ext4 and xfs: old or new, and success means new.

The journal is replayed before anybody looks. The same cuts on a disk whose syncs do nothing must
lose what was reported: only then is it shown that this harness could find a missing sync.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import BotError
from core.rolled_back import RECORD_NAME
from core.store import Store

from ..bot.terminal import Terminal, bare
from ..core.fakes import running
from .builds import NEW, OLD, build_here, knowledge_of, prepare, recovers, rubbish, whole
from .disks import MAKERS, Disk, cut_power, make_disk
from .power import Fault, build_and_lose_power, roll_back_and_lose_power

SECONDS = 30.0  # for a build; only a failing test waits so long
INDEX = "index"

Record = Callable[[str, object], None]
Victim = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Machine:
    """A disk with an index whose live generation is of v1, and knowledge of v2 elsewhere."""

    disk: Disk
    new: Path

    @property
    def index(self) -> Path:
        return self.disk.folder / INDEX

    def another(self, name: str) -> Machine:
        """Give a machine with a disk of its own and the same content."""
        return Machine(self.disk.copy(name), self.new)

    def lose_power(self, victim: Victim, step: int, fault: Fault = Fault.NONE) -> list[str] | None:
        """Run a victim until its end; gives the steps it had taken when it had reported success."""
        with (
            self.disk.mounted(),
            running(victim, self.new, self.index, self.disk.folder, step, fault) as (process, pipe),
        ):
            process.join(SECONDS)
            assert process.exitcode == -signal.SIGKILL
            try:
                return list(pipe.recv())
            except EOFError:
                return None


@pytest.fixture(scope="module", params=sorted(MAKERS))
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    folder = tmp_path_factory.mktemp(request.param)
    disk = make_disk(request.param, folder)
    prepared = prepare(folder / "prepared")
    with disk.mounted() as root:
        shutil.copytree(prepared, root / INDEX)
        disk.sync()
    return Machine(disk, folder / "prepared" / NEW)


def test_before_each_step_of_a_build(machine: Machine, record_property: Record) -> None:
    found: list[str] = []
    reported = None
    while reported is None:
        step = len(found) + 1
        cut = machine.another(f"step-{step}")
        reported = cut.lose_power(build_and_lose_power, step)
        with cut.disk.mounted():
            found.append(whole(Store(cut.index)))
            recovers(cut.index, cut.new, NEW)
        cut.disk.discard()
    counts = Counter(found)
    print(machine.disk.kind, dict(counts), "of", len(reported), "steps")
    record_property(f"power cuts on {machine.disk.kind}", dict(counts))
    assert found == sorted(found), "what was live once is not taken back"
    assert found[0] == OLD
    assert found[-1] == NEW, "reported success is durable"
    assert len(found) == len(reported) + 1 > 30
    assert counts[OLD] > counts[NEW] > 1, "the prune comes after the commit"


def test_before_each_step_of_a_rollback(machine: Machine, record_property: Record) -> None:
    live = machine.another("rolled-back")
    with live.disk.mounted():
        recovers(live.index, live.new, NEW)
        live.disk.sync()
    found: list[str] = []
    reported = None
    while reported is None:
        step = len(found) + 1
        cut = live.another(f"rollback-{step}")
        reported = cut.lose_power(roll_back_and_lose_power, step)
        with cut.disk.mounted():
            found.append(whole(Store(cut.index)))
            build_here(cut.new, cut.index)
            assert whole(Store(cut.index)) == NEW
            assert set(rubbish(cut.index)) <= {RECORD_NAME}
        cut.disk.discard()
    record_property(f"power cuts in a rollback on {machine.disk.kind}", dict(Counter(found)))
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (NEW, OLD)


@pytest.mark.parametrize("fault", [Fault.FILES, Fault.FOLDERS, Fault.ALL], ids=str)
def test_without_syncs_reported_success_is_lost(
    machine: Machine, fault: Fault, record_property: Record
) -> None:
    cut = machine.another(fault.name)
    assert cut.lose_power(build_and_lose_power, 0, fault) is not None
    with cut.disk.mounted():
        lost = after_the_cut(cut.index)
    record_property(f"{machine.disk.kind}, {fault}", lost)
    assert lost != NEW


def after_the_cut(index: Path) -> str:
    """Say which version is served, or what is wrong with it."""
    try:
        return whole(Store(index))
    except (AssertionError, BotError) as error:
        return f"{type(error).__name__}: {error}"[:200]


def test_the_command_line_leaves_with_0_when_the_new_generation_is_durable(
    machine: Machine, tmp_path: Path
) -> None:
    cut = machine.another("command")
    knowledge = knowledge_of(tmp_path, NEW)
    places = {"KNOWLEDGE": str(knowledge), "INDEX": str(cut.disk.folder / "of-the-command")}
    terminal = Terminal(tmp_path, {**bare(tmp_path), **places})
    with cut.disk.mounted() as root:
        ended = asyncio.run(terminal.run("build", "--json"))
        cut_power(root)
    assert ended.code == 0, ended.err
    with cut.disk.mounted():
        asked = asyncio.run(terminal.run("ask", "Who can lock timesheets?", "--json"))
    assert asked.code == 0, asked.err
    assert asked.json["generation"] == ended.json["generation"] == "00000001"
