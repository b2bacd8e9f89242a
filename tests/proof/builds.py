"""How a proof builds, and how it checks what is left on disk.

Knowledge comes in versions v1 and v2 whose every chunk names its version, with vectors that are a
function of the text, so that any mixture of generations shows. A build under test runs in a process
of its own (tests/proof/build_one.py); everything else runs here.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.build_state import STATE_NAME
from core.lock import GUARD_NAME
from core.rebuild import rebuild
from core.store import KEEP, Opened, Store
from core.types import ChunkKind

from ..core.fakes import ARTICLES, request, versioned, write_knowledge
from ..ollama_model import embedding

ROOT = Path(__file__).parents[2]
OLD, NEW = "v1", "v2"
BUILD_SECONDS = 60.0  # only a failing test waits so long
AT_REST = {"CURRENT", "generations", "quarantine", "cache", GUARD_NAME, STATE_NAME}


def knowledge_of(folder: Path, version: str) -> Path:
    """Write the pages of a version below a folder."""
    return write_knowledge(folder / version, versioned(version))


def build_here(knowledge: Path, index: Path, *, force: bool = True) -> str:
    """Build in this process; gives the number of the generation that is live afterwards."""
    wanted = request(knowledge, index, force=force, purpose="a proof")
    return asyncio.run(rebuild(wanted)).generation


def prepare(folder: Path) -> Path:
    """Build an index whose three generations are of v1, with nearly all vectors of v2 in its cache.

    A build of v2 then computes two vectors, publishes generation 4 and prunes generation 1.
    """
    index = folder / "index"
    old, new = knowledge_of(folder, OLD), knowledge_of(folder, NEW)
    for _ in range(3):
        build_here(old, index)
    known = set((index / "cache").rglob("*.vec"))
    build_here(new, folder / "warm")
    shutil.copytree(folder / "warm" / "cache", index / "cache", dirs_exist_ok=True)
    fresh = sorted(set((index / "cache").rglob("*.vec")) - known)
    for entry in fresh[:2]:
        entry.unlink()
    return index


def command(knowledge: Path, index: Path, *, step: int = 0) -> list[str]:
    """Give the command line of a build in a process of its own; step: see build_one."""
    wanted = [str(knowledge), str(index), str(step)]
    return [sys.executable, "-m", "tests.proof.build_one", *wanted]


def environment(**more: str) -> dict[str, str]:
    """Give the environment of such a build: nothing is written but the index, on one thread."""
    fixed = {"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **fixed, **more}


def build(
    knowledge: Path,
    index: Path,
    *,
    prefix: Sequence[str] = (),
    step: int = 0,
    more: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Build in a process of its own, under a command such as strace, and wait for its end."""
    return subprocess.run(
        [*prefix, *command(knowledge, index, step=step)],
        cwd=ROOT,
        env=environment(**(more or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )


def whole(store: Store) -> str:
    """Open as a reader does; gives the version, fails on damage and on any mixture."""
    opened = store.open()
    assert opened.damaged == (), opened.damaged
    assert opened.index.generation == store.live(), (opened.index.generation, store.live())
    return version_of(opened)


def version_of(opened: Opened) -> str:
    """Give the one version that every part of an opened generation is of."""
    index, counts = opened.index, opened.meta["counts"]
    bodies = [chunk.text for chunk in index.chunks if chunk.kind is ChunkKind.BODY]
    named = {version for text in bodies for version in re.findall(r" in (v\d)\.", text)}
    assert len(named) == 1, f"a mixture of {named}"
    version: str = named.pop()
    assert all(f" in {version}." in text for text in bodies), bodies
    assert index.articles == len(ARTICLES) == counts["articles"], (index.articles, counts)
    assert len(index.chunks) == counts["chunks"] == index.lexical.count, counts
    rows = {v: set(index.lexical.rows_of(index.analyzer.terms(v)).tolist()) for v in (OLD, NEW)}
    assert rows.pop(version) >= set(np.flatnonzero(index.is_body)), "words of another version"
    assert not any(rows.values()), f"words of {rows}"
    assert index.vectors is not None
    assert index.spec is not None
    wanted = [embedding(chunk.indexed_text, index.spec.dimension) for chunk in index.chunks]
    assert np.allclose(index.vectors.vectors, np.array(wanted, dtype=np.float32)), "other vectors"
    nearest = [int(index.vectors.nearest(row, 1)[0][0]) for row in index.vectors.vectors]
    assert nearest == list(range(len(nearest))), "a graph of other vectors"
    return version


def lock_is_free(folder: Path) -> bool:
    """Say whether nobody holds the build lock's guard; a folder without one has no holder."""
    try:
        descriptor = os.open(folder / GUARD_NAME, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def rubbish(folder: Path) -> list[str]:
    """List what does not belong into an index folder at rest, that is after a successful build."""
    found = [path for path in folder.iterdir() if path.name not in AT_REST]
    generations = folder / "generations"
    found += [p for p in generations.iterdir() if not re.fullmatch(r"\d{8}", p.name)]
    cache = folder / "cache"
    found += [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".vec"]
    return sorted(str(path.relative_to(folder)) for path in found)


def recovers(index: Path, knowledge: Path, version: str) -> str:
    """Build as the next user would and check that nothing of a disturbed build is left."""
    assert lock_is_free(index), "somebody holds the lock"
    number = build_here(knowledge, index, force=False)
    store = Store(index)
    assert whole(store) == version
    assert store.live() == number, (number, store.live())
    assert len(store.numbers()) <= KEEP, store.numbers()
    assert not rubbish(index), rubbish(index)
    return number
