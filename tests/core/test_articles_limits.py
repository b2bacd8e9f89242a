"""Files that change while they are read, and files too large to be worth taking apart."""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path

import pytest

from core.articles import MAX_ARTICLE_LINES, Limits, read_knowledge
from core.files import SkippedError, read_bytes

LIMIT = 2**20
# Files of the kernel whose size is not what is read: as if they changed in between.
SAYS_NOTHING = Path("/proc/self/status")  # 0 bytes
SAYS_A_PAGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")  # 4,096 bytes


@pytest.mark.parametrize(
    ("path", "reason"), [(SAYS_NOTHING, "grew"), (SAYS_A_PAGE, "shrank")], ids=["grew", "shrank"]
)
def test_a_file_that_changes_while_it_is_read_is_skipped(path: Path, reason: str) -> None:
    if not path.exists():
        pytest.skip(f"this system has no {path}")
    with pytest.raises(SkippedError, match=f"{reason} while it was read; try again"):
        read_bytes(str(path), max_bytes=LIMIT)


def test_a_folder_is_no_file_and_is_closed(tmp_path: Path) -> None:
    open_before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(SkippedError, match=r"^a folder$"):
            read_bytes(str(tmp_path), max_bytes=LIMIT)
    assert len(os.listdir("/dev/fd")) == open_before


def test_a_sparse_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.md").open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(SkippedError, match=r"^1,099,511,627,776 bytes; the limit for a file is"):
        read_bytes(str(tmp_path / "x.md"), max_bytes=LIMIT)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_page_that_is_too_large_is_not_taken_apart(tmp_path: Path, encoding: str) -> None:
    content = "---\ntitle: Long\n---\n" + "lorem ipsum \U0001f600\n" * 300_000
    (tmp_path / "long.md").write_text(content, encoding=encoding)
    size = (tmp_path / "long.md").stat().st_size
    tracemalloc.start()
    knowledge = read_knowledge(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [str(warning) for warning in knowledge.warnings] == [
        f'long.md: article "Long" has {size:,} bytes; the limit is 524,288'
    ]
    assert knowledge.warnings[0].skipped
    assert peak < 2.5 * size  # the bytes, and once more without NUL


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_merged_file_may_be_larger_than_an_article(tmp_path: Path, encoding: str) -> None:
    section = "# [ARTICLE] Page {n}\nhttps://docs.example/{n}\n\n" + "Some words. " * 100 + "\n\n"
    content = "".join(section.format(n=n) for n in range(50))
    (tmp_path / "all.md").write_text(content, encoding=encoding)
    limits = Limits(max_article_bytes=4_000)
    assert len(content) > 4 * limits.max_article_bytes
    assert len(read_knowledge(tmp_path, limits=limits).articles) == 50


@pytest.mark.proof
@pytest.mark.beside
def test_an_article_of_too_many_lines_is_not_cleaned(tmp_path: Path) -> None:
    (tmp_path / "few.md").write_text("\n" * 1_000 + "words\n" * (MAX_ARTICLE_LINES - 2_000))
    (tmp_path / "many.md").write_text("- a\n" * MAX_ARTICLE_LINES)
    (tmp_path / "merged.md").write_text(
        "# [ARTICLE] A\nhttps://x.y/a\n" + "- a\n" * MAX_ARTICLE_LINES
    )
    started = time.process_time()
    knowledge = read_knowledge(tmp_path, limits=Limits(max_article_bytes=2**20))
    assert [article.id for article in knowledge.articles] == ["few"]
    assert [str(warning) for warning in knowledge.warnings] == [
        'many.md: article "Many" has 100,001 lines; the limit is 100,000',
        'merged.md:1: article "A" has 100,001 lines; the limit is 100,000',
    ]
    assert time.process_time() - started < 5
