"""Bad knowledge through `clockify-bot build`: each bad thing is named, the good is published.

Each build may take 5 seconds and 200 MB more than one of the good articles alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.core.fakes import ARTICLES, write_knowledge

MORE_SECONDS = 5.0
MORE_BYTES = 200 * 10**6
TIMEOUT_SECONDS = 60.0
GIB = 2**30
SENTENCE = "Locking keeps old entries as they are, and only an admin may change them then.\n"
Bad = Callable[[Path], Any]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"
)


@dataclass(frozen=True, slots=True)
class Built:
    """How a build ended, what it cost, and its report."""

    code: int
    seconds: float
    peak_bytes: int
    report: dict[str, Any]
    err: str

    @property
    def warnings(self) -> list[str]:
        """What the report names."""
        return [str(warning) for warning in self.report["warnings"]]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Give a folder that is removed whatever is in it, be it deeper than a path may be long."""
    folder = Path(tempfile.mkdtemp(prefix="bad-knowledge-"))
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.fixture
def knowledge(place: Path) -> Iterator[Path]:
    """Give a folder of good articles."""
    folder = write_knowledge(place / "knowledge")
    yield folder
    indexes = map(str, place.glob("index-*"))
    subprocess.run(["rm", "-rf", str(folder), *indexes], check=True)


@pytest.fixture(scope="module")
def idle(place: Path) -> Built:
    """Build the good articles alone: the dearer of two builds, files of Python in the cache."""
    folder = write_knowledge(place / "good")
    builds = [build(folder, place / f"good-index-{n}") for n in range(3)][1:]
    assert [(b.code, b.report["articles"], b.warnings) for b in builds] == [(0, 5, [])] * 2
    return max(builds, key=lambda b: b.peak_bytes)


def build(knowledge: Path, index: Path, *, before: tuple[str, ...] = ()) -> Built:
    """Build in a process of its own, without the rights of root over files; watch its memory."""
    command = [*before, sys.executable, "-m", "bot", "build", str(knowledge)]
    command += ["--index", str(index), "--lexical-only", "--json"]
    started = time.monotonic()
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        subprocess.Popen(command, stdout=out, stderr=err) as process,
    ):
        peak = 0
        while process.poll() is None:
            peak = max(peak, _high_water(process.pid))
            if time.monotonic() - started > TIMEOUT_SECONDS:
                process.kill()
            time.sleep(0.002)
        seconds = time.monotonic() - started
        out.seek(0)
        err.seek(0)
        said = out.read()
        report = json.loads(said) if said.strip() else {}
        return Built(process.returncode, seconds, peak, report, err.read().decode())


def build_twice(knowledge: Path, place: Path, *, before: tuple[str, ...] = ()) -> Built:
    """Give the quicker of two first builds: other processes take time too."""
    builds = [build(knowledge, place / f"index-{n}", before=before) for n in range(2)]
    return min(builds, key=lambda b: b.seconds)


def _high_water(pid: int) -> int:
    """Give the most memory that a process had in RAM; 0 when it is gone."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def check(built: Built, idle: Built, *named: str) -> None:
    """Say that the good is published, the bad is named, and at what cost."""
    assert (built.code, "Traceback" in built.err) == (0, False), built.err
    for pattern in named:
        assert any(re.match(pattern, warning) for warning in built.warnings), (
            pattern,
            built.warnings[:20],
        )
    assert built.report["articles"] >= len(ARTICLES)
    assert {*ARTICLES} <= {*built.report["added"]}
    assert built.seconds - idle.seconds < MORE_SECONDS
    assert built.peak_bytes - idle.peak_bytes < MORE_BYTES


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")


def unix_socket(folder: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(folder)  # the path of a socket is short
    server.bind("socket.md")
    os.chdir(here)
    return server


def device(folder: Path) -> None:
    """Make an endless one and one that blocks."""
    try:
        os.mknod(folder / "zero.md", 0o020666, os.makedev(1, 5))
        os.mknod(folder / "console.md", 0o020666, os.makedev(5, 1))
    except PermissionError:
        pytest.skip("only root may make devices")


def links(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "secret.md").write_text("# Secret\n\nsecret")
    for name, target in {
        "passwd.md": "/etc/passwd",
        "secret.md": "../outside/secret.md",
        "outside": "../outside",
        "self.md": "self.md",
        "one.md": "two.md",
        "two.md": "one.md",
        "up": ".",
        "gone.md": "nowhere.md",
        "zero.md": "/dev/zero",
    }.items():
        (folder / name).symlink_to(target)


def sparse(folder: Path) -> None:
    for name, size in (("gib.md", GIB), ("tib.md", 1024 * GIB), ("zeros.md", 60 * 2**20)):
        with (folder / name).open("wb") as stream:
            stream.truncate(size)


def text(name: str, size: int, *, top: str = "# Long\n\n") -> Bad:
    """Give a maker of a file of real text."""

    def make(folder: Path) -> None:
        block = (SENTENCE * (2**20 // len(SENTENCE))).encode()
        with (folder / name).open("wb") as stream:
            stream.write(top.encode())
            while stream.tell() < size - len(block):
                stream.write(block)

    return make


def yaml_bomb(folder: Path) -> None:
    levels = ['a0: &a0 ["lol", "lol"]']
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    bomb = "\n".join(["title: Bomb", *levels])
    (folder / "bomb.md").write_text(f"---\n{bomb}\n---\n\nThe text below the bomb.\n")
    (folder / "nested.md").write_text(f"---\ntitle: {'[' * 3_000}\n---\n\nThe text below.\n")


def binaries(folder: Path) -> None:
    (folder / "picture.md").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(2**20))
    (folder / "noise.md").write_bytes(os.urandom(3 * 2**20))
    shutil.copy(sys.executable, folder / "program.md")


def names(folder: Path) -> None:
    """Make files whose names could break a line, a terminal or a decoder; all are empty."""
    for name in (b"two\nlines.md", b"red\x1b[31m.md", b"not-utf8-\xff.md", b"x" * 240 + b".md"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()


def empties(folder: Path) -> None:
    for n in range(5_000):
        (folder / f"empty-{n}.md").touch()


def deep(folder: Path) -> None:
    """Make folders in folders until no path can name them."""
    here = os.getcwd()
    os.chdir(folder)
    for _ in range(2_500):
        os.mkdir("deep")
        os.chdir("deep")
    Path("lost.md").write_text("# Lost")
    os.chdir(here)


def markup(piece: str) -> Bad:
    """Give a maker of a page of 2 MiB that is nothing but one kind of markup."""

    def make(folder: Path) -> None:
        size = 2**21 - 2_000
        (folder / "markup.md").write_text(piece * (size // len(piece)))

    return make


def questions(content: bytes | None) -> Bad:
    """Give a maker of questions that are none; None makes a pipe."""

    def make(folder: Path) -> None:
        path = folder / "questions.jsonl"
        path.write_bytes(content) if content is not None else os.mkfifo(path)

    return make


def large_questions(folder: Path) -> None:
    with (folder / "questions.jsonl").open("wb") as stream:
        stream.truncate(GIB)


NOT_REGULAR = r"not a regular file \(pipe, socket or device\)$"
OUTSIDE = "link that points outside the knowledge folder$"
TOO_LARGE = r"[\d,]+ bytes; the limit for a file is 67,108,864$"
CASES: dict[str, tuple[Bad, tuple[str, ...]]] = {
    "pipe": (pipe, (f"pipe.md: {NOT_REGULAR}",)),
    "socket": (unix_socket, (f"socket.md: {NOT_REGULAR}",)),
    "device": (device, (f"zero.md: {NOT_REGULAR}", f"console.md: {NOT_REGULAR}")),
    "links": (
        links,
        (
            *(f"{name}: {OUTSIDE}" for name in ("passwd.md", "secret.md", "outside", "zero.md")),
            *(f"{name}: link that is a loop$" for name in ("self.md", "one.md", "two.md", "up")),
            "gone.md: broken link$",
        ),
    ),
    "sparse": (
        sparse,
        (f"gib.md: {TOO_LARGE}", f"tib.md: {TOO_LARGE}", "zeros.md:1: binary file, not text$"),
    ),
    "gibibyte-of-text": (text("gib.md", GIB), (f"gib.md: {TOO_LARGE}",)),
    "text-below-the-limit": (
        text("long.md", 2**26),
        (r'long.md: article "Long" has 6\d,\d+,\d+ bytes; the limit is 524,288$',),
    ),
    "text-above-the-limit": (text("long.md", 2**26 + 2**21), (f"long.md: {TOO_LARGE}",)),
    "yaml": (
        yaml_bomb,
        ("bomb.md:1: front matter ignored: ", "nested.md:1: front matter ignored: "),
    ),
    "binaries": (
        binaries,
        tuple(rf"{name}.md:\d+: binary file, not text$" for name in ("picture", "noise")),
    ),
    "names": (
        names,
        (
            "two\ufffdlines.md: file is empty$",
            r"red\ufffd\[31m.md: file is empty$",
            "not-utf8-\ufffd.md: file is empty$",
            "x{240}.md: file is empty$",
        ),
    ),
    "empties": (empties, ("empty-0.md: file is empty$", "empty-4999.md: file is empty$")),
    "deep": (deep, (r"(deep/)+deep: folder cannot be read \(File name too long\)$",)),
    "items": (markup("- a\n"), ("markup.md: .* has 523,789 lines; the limit is 100,000$",)),
    "quotes": (markup("> "), ("markup.md: .* has 2,095,151 bytes; the limit is 524,288$",)),
    "tags": (markup("<a "), ("markup.md: .* has 2,095,151 bytes; the limit is 524,288$",)),
    "questions-pipe": (questions(None), (f"questions.jsonl: {NOT_REGULAR[:-1]}; no question",)),
    "questions-large": (large_questions, ("questions.jsonl: 1,073,741,824 bytes; the limit",)),
    "questions-rubbish": (questions(b"{\n" * 2**21), ("questions.jsonl:1: skipped, not JSON",)),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_knowledge_is_named_and_costs_little(
    case: str, knowledge: Path, place: Path, idle: Built
) -> None:
    make, named = CASES[case]
    kept = make(knowledge)
    check(build_twice(knowledge, place), idle, *named)
    if kept is not None:
        kept.close()


def test_all_bad_knowledge_together_costs_little(knowledge: Path, place: Path, idle: Built) -> None:
    makers = [pipe, sparse, text("long.md", 2**26 - 2**21), text("over.md", 2**26 + 2**21)]
    for make in [*makers, yaml_bomb, binaries, names]:
        make(knowledge)
    names_of = ("pipe", "gib", "tib", "zeros", "long", "over", "bomb", "picture", "noise")
    named = (rf"{name}\.md[:\d]*: " for name in names_of)
    check(build_twice(knowledge, place), idle, *named)


def test_what_may_not_be_read_is_named(knowledge: Path, place: Path, idle: Built) -> None:
    """Root reads everything, unless it gives up the right to."""
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root reads everything, and there is no setpriv to give that up")
        before = (setpriv, "--bounding-set=-dac_override,-dac_read_search")
    (knowledge / "forbidden.md").write_text("# Forbidden")
    (knowledge / "closed").mkdir()
    (knowledge / "closed" / "inside.md").write_text("# Inside")
    (knowledge / "forbidden.md").chmod(0)
    (knowledge / "closed").chmod(0)
    built = build_twice(knowledge, place, before=before)
    check(
        built,
        idle,
        r"forbidden.md: cannot be read \(Permission denied\)$",
        r"closed: folder cannot be read \(Permission denied\)$",
    )
    (knowledge / "closed").chmod(0o700)


WRITERS = {
    "grows": """
stream = open(folder / "moving.md", "ab", buffering=0)
while stream.tell() < 2**30:
    stream.write(b"and on it goes\\n" * 1000)
    stream.tell() > 2**26 and stream.truncate(2**25)
""",
    "shrinks": """
while True:
    with open(folder / "moving.md", "wb", buffering=0) as stream:
        stream.write(b"words and words\\n" * 60_000)
        stream.truncate(1_000)
""",
    "comes-and-goes": """
while True:
    (folder / "moving.md").write_bytes(b"words and words\\n" * 10_000)
    time.sleep(0.0005)
    os.unlink(folder / "moving.md")
""",
    "turns-into-a-folder": """
while True:
    (folder / "moving.md").write_text("words")
    os.unlink(folder / "moving.md")
    os.mkdir(folder / "moving.md")
    time.sleep(0.0005)
    os.rmdir(folder / "moving.md")
""",
}


@contextmanager
def moving(folder: Path, how: str) -> Iterator[None]:
    """Keep changing a file from another process."""
    (folder / "moving.md").write_bytes(b"and on it goes\n" * 2**21)
    head = f"import os, time\nfrom pathlib import Path\nfolder = Path({str(folder)!r})\n"
    with subprocess.Popen([sys.executable, "-c", head + WRITERS[how]]) as process:
        try:
            yield
            assert process.poll() is None, "nothing moved"
        finally:
            process.kill()


@pytest.mark.parametrize("how", WRITERS)
def test_a_file_that_does_not_keep_still_hurts_nothing(
    how: str, knowledge: Path, place: Path, idle: Built
) -> None:
    with moving(knowledge, how):
        built = build_twice(knowledge, place)
    check(built, idle)
    about = [w for w in built.warnings if w.startswith("moving.md")]
    is_in = any("moving" in article for article in built.report["added"])
    if how == "grows":  # it is too large in the end, if nothing else
        assert (len(about), is_in) == (1, False), built.warnings
