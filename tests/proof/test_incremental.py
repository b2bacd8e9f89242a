"""Building again: as much work as what changed, with the real embedder and the real command line.

250 articles, made of this project's own knowledge in other words, and the help center itself where
it is at hand. Times are of whole processes and compared within one run.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.report import BuildReport, BuildStatus
from core.store import Store

from ..bot.terminal import MODULE, bare

ROOT = Path(__file__).parents[2]
HELP_CENTER = ROOT.parent / "shared" / "data" / "knowledge_helpcenter.md"
ARTICLES = 250
MOST_OF_COLD = 0.25  # of the cold build's time on a busy machine (docs/results.md: 8 %), or
MOST_SECONDS = 3.0
COLD_SECONDS = 400.0  # a build may take; about 40 on two cores
KILLED_AT = (0.15, 0.85)  # of the embeddings
POLL_SECONDS = 0.02
WORDS: tuple[
    dict[str, str], ...
] = (  # each round of copies says these in another way, so that no text is there twice
    {},
    {"workspace": "organization", "project": "assignment", "click": "press", "time": "hours"},
    {"workspace": "company", "project": "job", "click": "tap", "time": "working time"},
)

Record = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class Builds:
    """The command line, a knowledge of one file or many, and an index."""

    knowledge: Path
    index: Path

    @property
    def command(self) -> list[str]:
        return [*MODULE, "build", str(self.knowledge), "--index", str(self.index), "--json"]

    def run(self) -> tuple[BuildReport, float]:
        """Build to the end; gives the report and the seconds of the whole process."""
        started = time.monotonic()
        ended = subprocess.run(
            self.command,
            env=bare(self.index.parent),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COLD_SECONDS,
            check=False,
        )
        seconds = time.monotonic() - started
        assert ended.returncode == 0, ended.stderr
        return BuildReport.from_json(json.loads(ended.stdout)), seconds

    def kill_at(self, kept: int) -> int:
        """Build and kill when so many embeddings are kept; gives how many there are then."""
        with subprocess.Popen(
            self.command, env=bare(self.index.parent), cwd=ROOT, stdout=subprocess.DEVNULL
        ) as process:
            deadline = time.monotonic() + COLD_SECONDS
            while self.kept() < kept:
                assert process.poll() is None, "the build ended before it was killed"
                assert time.monotonic() < deadline
                time.sleep(POLL_SECONDS)
            process.kill()
            assert process.wait() == -signal.SIGKILL
        return self.kept()

    def kept(self) -> int:
        """Count the embeddings in the cache."""
        return sum(1 for _ in (self.index / "cache").rglob("*.vec"))

    def texts(self) -> dict[str, str]:
        """Give what was embedded for the live generation, with its article."""
        return {c.indexed_text: c.article_id for c in Store(self.index).open().index.chunks}


def our_own(folder: Path) -> Path:
    """Write 250 articles: those of this project, then the same in other words."""
    sources = sorted((ROOT / "knowledge").rglob("*.md"))
    for number in range(ARTICLES):
        turn, place = divmod(number, len(sources))
        text = sources[place].read_text(encoding="utf-8")
        for word, other in WORDS[turn].items():
            text = re.sub(rf"\b{word}\b", other, text, flags=re.IGNORECASE)
        text = re.sub(r"^(title: .*)$", rf"\1 ({turn + 1})", text, count=1, flags=re.MULTILINE)
        text = re.sub(r"^(url: .*)$", rf"\1/{turn + 1}", text, count=1, flags=re.MULTILINE)
        path = folder / f"{number:03d}-{sources[place].name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def help_center(folder: Path) -> Path:
    """Copy the help center, one merged file of 250 articles."""
    if not HELP_CENTER.exists():
        pytest.skip(f"{HELP_CENTER.name} is not on this machine")
    folder.mkdir(parents=True)
    return Path(shutil.copy(HELP_CENTER, folder / "help.md"))


def changes(knowledge: Path) -> Iterator[None]:
    """Change one sentence of one article, a different one each time."""
    path = knowledge if knowledge.is_file() else sorted(knowledge.iterdir())[ARTICLES // 2]
    text = path.read_text(encoding="utf-8")
    paragraphs = [m.end() for m in re.finditer(r"[a-z]\.$", text, re.MULTILINE)]
    for turn in (1, 2):
        place = paragraphs[len(paragraphs) // 2]
        told = f" On the {turn}. of May this was put in other words."
        path.write_text(text[:place] + told + text[place:], encoding="utf-8")
        yield


@pytest.mark.parametrize("write", [our_own, help_center], ids=["our own", "help center"])
def test_one_changed_article_of_250(
    write: Callable[[Path], Path], tmp_path: Path, record_property: Record
) -> None:
    builds = Builds(write(tmp_path / "knowledge"), tmp_path / "index")
    cold, cold_seconds = builds.run()
    assert (cold.status, cold.articles) == (BuildStatus.PUBLISHED, ARTICLES)
    assert cold.embeddings_computed == builds.kept() == len(builds.texts())

    unchanged, unchanged_seconds = builds.run()
    assert (unchanged.status, unchanged.generation) == (BuildStatus.UNCHANGED, cold.generation)
    assert Store(builds.index).numbers() == [cold.generation]

    warm_seconds = []
    for _ in changes(builds.knowledge):
        before = builds.texts()
        warm, seconds = builds.run()
        fresh = {text: article for text, article in builds.texts().items() if text not in before}
        assert (warm.status, warm.articles) == (BuildStatus.PUBLISHED, ARTICLES)
        assert {*fresh.values()} == {*warm.changed}
        assert len(warm.changed) == 1
        assert warm.embeddings_computed == len(fresh) > 0
        warm_seconds.append(seconds)
    counts = {
        "cold": round(cold_seconds, 2),
        "unchanged": round(unchanged_seconds, 2),
        "one changed": [round(seconds, 2) for seconds in warm_seconds],
        "embeddings": cold.embeddings_computed,
        "of the changed article": warm.embeddings_computed,
    }
    print(counts)
    record_property(f"seconds of builds of {builds.knowledge.name}", counts)
    assert min(warm_seconds) <= max(MOST_OF_COLD * cold_seconds, MOST_SECONDS), counts


def test_killed_twice_embeds_each_text_once(tmp_path: Path, record_property: Record) -> None:
    knowledge = tmp_path / "knowledge"
    shutil.copytree(ROOT / "knowledge", knowledge)
    for path in sorted(knowledge.rglob("*.md"))[::2]:
        path.unlink()
    whole = Builds(knowledge, tmp_path / "undisturbed")
    total = whole.run()[0].embeddings_computed
    choice = random.Random(2)
    first, second = sorted(int(choice.uniform(*KILLED_AT) * total) for _ in range(2))

    builds = Builds(knowledge, tmp_path / "index")
    kept = [builds.kill_at(first), builds.kill_at(second)]
    assert not (builds.index / "CURRENT").exists()
    report, _ = builds.run()
    counts = {
        "texts": total,
        "kept at the kills": kept,
        "computed then": report.embeddings_computed,
    }
    print(counts)
    record_property("embeddings of a build killed twice", counts)
    assert 0 < kept[0] <= kept[1] < total
    assert report.embeddings_computed == total - kept[1]
    assert report.embeddings_reused == kept[1]
    assert builds.kept() == total
    assert builds.texts() == whole.texts()
