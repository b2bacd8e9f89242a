"""strace around a build: which calls it makes, and the n-th of a kind killed or made to fail.

Injection counts calls of one name from 1 in each thread. A signal is delivered on entry: the call
does not happen (test_kill_points.py checks that). strace 6.1 delivers none under --seccomp-bpf,
which makes everything else three times as fast.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.build_state import STATE_NAME

from .builds import build

# Calls that change names or contents; opening a file is not among them, see build_one's STEP.
MUTATING = (
    *("write", "writev", "pwrite64", "pwritev", "ftruncate", "truncate", "fallocate"),
    *("fsync", "fdatasync", "sync_file_range", "rename", "renameat", "renameat2"),
    *("mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "link", "linkat", "symlink", "symlinkat"),
    *("copy_file_range", "sendfile", "chmod", "fchmod", "fchmodat", "utimensat", "setxattr"),
)
LINE = re.compile(r"(\w+)\((.*)\) += (\S+)(.*)")

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed (apt install strace)"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: rename, its arguments as strace prints them, -1, " EIO (…) (INJECTED)"."""

    name: str
    arguments: str
    result: str
    told: str

    @property
    def is_injected(self) -> bool:
        """Say whether strace made it fail or killed the process in it (then it has no result)."""
        return "(INJECTED)" in self.told or self.result == "?"

    @property
    def path(self) -> str:
        """Give the first file it names, by path or by descriptor."""
        found = re.search(r'<([^>]*)>|"([^"]*)"', self.arguments)
        return (found[1] or found[2] or "") if found else ""


@dataclass(frozen=True, slots=True)
class Traced:
    """How a build under strace ended, and its mutating calls in order (thread after thread)."""

    status: int  # negative: the signal that ended it
    stdout: str
    stderr: str
    calls: tuple[Call, ...]

    @property
    def struck(self) -> Call | None:
        """Give the call that was killed or failed on purpose; None when the build was untouched."""
        return next((call for call in self.calls if call.is_injected), None)


def sites(calls: Sequence[Call], index: Path) -> list[str]:
    """Name the place in the program of each call: its name, its file and what was done before.

    The state for display and private copies in memory are written again and again: they are told
    apart only by what was last done in the index folder itself.
    """
    named, before = [], ""
    for call in calls:
        path = re.sub(r"\d{8}|(?<=\.)\d+|[0-9a-f]{8,}", "N", call.path.replace(str(index), ""))
        named.append(f"{call.name} {path} after {before}")
        if str(index) in call.path and STATE_NAME not in call.path:
            before = f"{call.name} {path}"
    return named


def trace(knowledge: Path, index: Path, *, inject: str = "") -> Traced:
    """Build under strace; inject is "NAME:error=EIO:when=3" or "NAME:signal=KILL:when=3"."""
    logs = index.with_name(f"{index.name}.strace")
    wanted = ",".join(f"?{name}" for name in MUTATING)
    prefix = ["strace", "-ff", "-qq", "-y", "-o", str(logs), "-e", wanted]
    prefix += ["-e", f"inject={inject}"] if inject else []
    prefix += [] if ":signal=" in inject else ["--seccomp-bpf"]
    ended = build(knowledge, index, prefix=prefix)
    lines = [
        line
        for path in sorted(logs.parent.glob(f"{logs.name}.*"))
        for line in path.read_text(errors="replace").splitlines()
    ]
    calls = tuple(Call(*found.groups()) for line in lines if (found := LINE.fullmatch(line)))
    return Traced(ended.returncode, ended.stdout, ended.stderr, calls)


def kills_before_the_call(folder: Path) -> bool:
    """Say whether an injected SIGKILL comes before the effect of the call it is delivered in."""
    doomed = folder / "doomed"
    inject = "inject=?mkdir,?mkdirat:signal=KILL:when=1"
    mkdir = ["strace", "-qq", "-e", inject, "mkdir", str(doomed)]
    subprocess.run(mkdir, capture_output=True, timeout=20, check=False)
    return not doomed.exists()
