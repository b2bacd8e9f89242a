"""Reading of well-formed knowledge: formats, titles, URLs, ids, duplicates, digests, limits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from core.articles import Knowledge, Limits, SourceFile, read_knowledge
from core.errors import KnowledgeError

HELP = "https://clockify.me/help/"


def read(tmp_path: Path, text: str, name: str = "kb.md") -> Knowledge:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_knowledge(tmp_path)


def reasons(knowledge: Knowledge) -> list[str]:
    return [str(warning) for warning in knowledge.warnings]


def merged(*articles: tuple[str, str, str]) -> str:
    return "\n\n".join(f"# [ARTICLE] {title}\n{url}\n\n{body}\n" for title, url, body in articles)


def test_merged_file_gives_its_articles_in_order(tmp_path: Path) -> None:
    text = merged(
        ("Lock timesheets", f"{HELP}track-time-and-expenses/lock-timesheets", "Lock **them**."),
        ("Rates", f"{HELP}reports/rates", "## Types#\n\nFive."),
    )
    knowledge = read(tmp_path, text)
    first, second = knowledge.articles
    assert (first.id, first.title) == ("track-time-and-expenses/lock-timesheets", "Lock timesheets")
    assert (first.url, first.body) == (
        f"{HELP}track-time-and-expenses/lock-timesheets",
        "Lock **them**.",
    )
    assert (first.source, second.source) == ("kb.md:1", "kb.md:7")
    assert second.body == "## Types\n\nFive."
    assert knowledge.warnings == ()


def test_url_of_a_merged_article_may_follow_a_blank_line(tmp_path: Path) -> None:
    (article,) = read(tmp_path, f"# [ARTICLE] A\n\n<{HELP}a>\nBody").articles
    assert (article.url, article.body) == (f"{HELP}a", "Body")


def test_digest_is_over_title_url_and_body(tmp_path: Path) -> None:
    (article,) = read(tmp_path, merged(("A", f"{HELP}a", "Body"))).articles
    assert article.digest == hashlib.sha256(f"A\0{HELP}a\0Body".encode()).hexdigest()


def test_folder_is_read_recursively_by_name_without_hidden_entries(tmp_path: Path) -> None:
    for name in ("b/z.md", "b/a.markdown", "A.MD", "b/.hidden.md", ".git/x.md", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n\nText of {name}.")
    knowledge = read_knowledge(tmp_path)
    assert [article.source for article in knowledge.articles] == ["A.MD", "b/a.markdown", "b/z.md"]
    assert knowledge.warnings == ()


def test_files_are_listed_as_read_and_progress_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"# A\n\nText")
    (tmp_path / "b.md").write_bytes(b"")
    steps: list[tuple[int, int]] = []
    knowledge = read_knowledge(tmp_path, on_file=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]
    assert knowledge.files == (
        SourceFile("a.md", 9, hashlib.sha256(b"# A\n\nText").hexdigest()),
        SourceFile("b.md", 0, hashlib.sha256(b"").hexdigest()),
    )


def test_single_page_is_read_whatever_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("# Title\n\nBody")
    (article,) = read_knowledge(tmp_path / "page.txt").articles
    assert (article.id, article.source, article.body) == ("page/title", "page.txt", "Body")


def test_front_matter_gives_title_and_url(tmp_path: Path) -> None:
    fields = f'title: "Accrue: time off"\nurl: "{HELP}x/accrue"\ntags: [a, b]'
    page = f"---\n{fields}\n---\n\n# Else\n\nText"
    (article,) = read(tmp_path, page).articles
    assert (article.title, article.url, article.id) == (
        "Accrue: time off",
        f"{HELP}x/accrue",
        "x/accrue",
    )
    assert article.body == "# Else\n\nText"


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("# The *heading* [\\#](#x)\n\nText", "The heading"),
        ("The heading\n===========\n\nText", "Cant add time"),
        ("Text\n\n```\n# no heading\n```\n", "Cant add time"),
        ("Text\n\n# Late heading\n\nMore", "Late heading"),
        ("---\ntitle: ''\nurl: x\n---\nText", "Cant add time"),
    ],
)
def test_title_falls_back_to_heading_and_file_name(tmp_path: Path, page: str, title: str) -> None:
    assert [a.title for a in read(tmp_path, page, "faq/cant-add_time.md").articles] == [title]


def test_body_with_nine_rules_loses_nothing(tmp_path: Path) -> None:
    parts = [f"Part {n} says word{n}." for n in range(10)]
    body = "---\n\n" + "\n\n---\n\n".join(parts)
    (article,) = read(tmp_path, body).articles
    assert [part for part in parts if part not in article.body] == []


@pytest.mark.parametrize(
    "opening",
    [
        "---\nNote: read this\nand this as well\n---\nText",
        "---\ntitle: never closed\nText",
        "---\n---\nText",
    ],
)
def test_rules_around_text_are_not_front_matter(tmp_path: Path, opening: str) -> None:
    (article,) = read(tmp_path, opening).articles
    assert article.body == opening


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [
        ("title: *a", "it has an alias"),
        ("title: &a x", "it has an anchor"),
        ("title: !!str x", "it has a tag"),
        ("title: [[[[[[[[[x]]]]]]]]]", "nested deeper than 8"),
        ("title: 'x", "not valid YAML"),
        (f"title: {'x' * 5000}", "longer than 4 KiB"),
    ],
)
def test_bad_front_matter_is_ignored_with_a_warning(tmp_path: Path, yaml: str, reason: str) -> None:
    knowledge = read(tmp_path, f"---\n{yaml}\n---\n# Page\n\nText")
    assert reasons(knowledge) == [f"kb.md:1: front matter ignored: {reason}"]
    assert [(a.title, a.body) for a in knowledge.articles] == [("Page", "Text")]


def test_front_matter_cannot_smuggle_surrogates_or_controls(tmp_path: Path) -> None:
    knowledge = read(tmp_path, '---\ntitle: "a\\ud800\\0\\u202eb"\n---\nText')
    assert [a.title for a in knowledge.articles] == ["a?b"]


def test_text_above_the_first_article_of_a_merged_file_is_a_page(tmp_path: Path) -> None:
    knowledge = read(tmp_path, "# Foreword\n\nHello.\n\n" + merged(("A", f"{HELP}a", "Body")))
    assert [(a.title, a.body) for a in knowledge.articles] == [
        ("Foreword", "Hello."),
        ("A", "Body"),
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://clockify.me/help/reports/rates/", "reports/rates"),
        ("http://CAKE.com/help/a?x=1#y", "a"),
        ("https://clockify.me/blog/A%20b%2Fc", "blog/a-b/c"),
        ("https://clockify.me/hilfe/%C3%9Cberstunden", "hilfe/überstunden"),
        ("https://clockify.me/help", "help"),
        ("https://clockify.me/", "clockify.me"),
        ("https://clockify.me/help/../../etc/passwd", "etc/passwd"),
        ("https://clockify.me/help/a:b(c)~d", "a-b-c-d"),
    ],
)
def test_id_comes_from_the_url(tmp_path: Path, url: str, expected: str) -> None:
    assert [a.id for a in read(tmp_path, merged(("T", url, "Body"))).articles] == [expected]


@pytest.mark.parametrize(
    ("name", "page", "expected"),
    [
        ("Billing/Refunds.md", "# Refunds\n\nText", "billing/refunds"),
        ("billing/page 7.md", "# Get a refund?\n\nText", "billing/page-7/get-a-refund"),
        ("x.md", "# ???\n\nText", "x"),
    ],
)
def test_id_without_url_comes_from_file_and_title(
    tmp_path: Path, name: str, page: str, expected: str
) -> None:
    assert [a.id for a in read(tmp_path, page, name).articles] == [expected]


def test_equal_ids_get_numbers_and_a_warning(tmp_path: Path) -> None:
    hosts = ("https://a.example/x", "https://b.example/x", "https://c.example/X")
    knowledge = read(tmp_path, merged(*((f"T{n}", url, f"B{n}") for n, url in enumerate(hosts))))
    assert [a.id for a in knowledge.articles] == ["x", "x-2", "x-3"]
    assert reasons(knowledge) == [
        'kb.md:7: id "x" belongs to kb.md:1; "x-2" is used',
        'kb.md:13: id "x" belongs to kb.md:1; "x-3" is used',
    ]


@pytest.mark.parametrize(
    "url", ["http://Clockify.me/help/a", f"{HELP}a/", f"{HELP}a?x=1", f"{HELP}a#part"]
)
def test_same_page_and_text_is_dropped_once(tmp_path: Path, url: str) -> None:
    knowledge = read(tmp_path, merged(("A", f"{HELP}a", "Body"), ("A", url, "Body")))
    assert [(a.id, a.url) for a in knowledge.articles] == [("a", f"{HELP}a")]
    assert reasons(knowledge) == ["kb.md:7: same URL and text as kb.md:1; dropped"]
    assert knowledge.warnings[0].skipped


@pytest.mark.parametrize(
    ("bodies", "reason"),
    [
        (("One.", "One.\n\nTwo."), "same URL as kb.md:1 and all of its text; merged"),
        (("One.\n\nTwo.", "Two."), "same URL as kb.md:1, which has all of its text; merged"),
    ],
)
def test_same_page_with_more_text_becomes_one_article(
    tmp_path: Path, bodies: tuple[str, str], reason: str
) -> None:
    knowledge = read(tmp_path, merged(*(("A", f"{HELP}a", body) for body in bodies)))
    (article,) = knowledge.articles
    assert (article.id, article.body) == ("a", "One.\n\nTwo.")
    assert article.digest == hashlib.sha256(f"A\0{HELP}a\0One.\n\nTwo.".encode()).hexdigest()
    assert [warning.reason for warning in knowledge.warnings] == [reason]


def test_same_page_with_other_text_is_kept_under_its_own_id(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text(f"---\nurl: {HELP}a\n---\n# A\n\nSecond.")
    knowledge = read(tmp_path, merged(("A", f"{HELP}a", "First.")))
    assert [(a.id, a.url, a.body) for a in knowledge.articles] == [
        ("a", f"{HELP}a", "First."),
        ("a-2", f"{HELP}a", "Second."),
    ]
    assert reasons(knowledge) == ["other.md: same URL as kb.md:1 but another text; both are kept"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/hostname",
        "ftp://clockify.me/x",
        "https://clockify.me/help/has space",
        "https://user:secret@clockify.me/x",
        "https://clockify.me/<b>",
        "https://[broken/x",
        "https://clockify.me:port/x",
        "https:///x",
    ],
)
def test_other_addresses_are_not_linked(tmp_path: Path, url: str) -> None:
    (tmp_path / "page.md").write_text(f'---\ntitle: T\nurl: "{url}"\n---\nText')
    knowledge = read(tmp_path, merged(("T", url, "Text")))
    assert [(a.url, a.body) for a in knowledge.articles] == [(None, "Text"), (None, "Text")]
    assert [(w.file, w.line, w.skipped) for w in knowledge.warnings] == [
        ("kb.md", 2, False),
        ("page.md", 1, False),
    ]


def test_stub_is_skipped_with_a_warning(tmp_path: Path) -> None:
    stub = "# Sales\n\n_Content could not be scraped reliably from the source page._\n"
    knowledge = read(tmp_path, stub)
    assert knowledge.articles == ()
    assert reasons(knowledge) == ["kb.md: only a notice that its content is missing"]


def test_large_article_is_skipped_by_name(tmp_path: Path) -> None:
    (tmp_path / "kb.md").write_text(merged(("Big", f"{HELP}b", "x " * 60), ("S", f"{HELP}s", "y")))
    knowledge = read_knowledge(tmp_path, limits=Limits(max_article_bytes=100))
    assert [a.title for a in knowledge.articles] == ["S"]
    assert reasons(knowledge) == ['kb.md:1: article "Big" has 119 bytes; the limit is 100']


def test_large_file_is_skipped_unread(tmp_path: Path) -> None:
    with (tmp_path / "sparse.md").open("wb") as stream:
        stream.truncate(2**40)
    knowledge = read_knowledge(tmp_path)
    assert knowledge.files == ()
    assert reasons(knowledge) == [
        "sparse.md: 1,099,511,627,776 bytes; the limit for a file is 67,108,864"
    ]


def test_empty_folder_is_no_error(tmp_path: Path) -> None:
    assert read_knowledge(tmp_path) == Knowledge((), (), ())


@pytest.mark.parametrize("name", ["missing.md", "nul\0.md", "x" * 300])
def test_missing_path_is_an_error_with_advice(tmp_path: Path, name: str) -> None:
    with pytest.raises(KnowledgeError, match="Give a Markdown file or a folder"):
        read_knowledge(tmp_path / name)


def test_result_is_the_same_each_time(tmp_path: Path) -> None:
    text = merged(("A", f"{HELP}a", "One"), ("B", f"{HELP}a", "Two"), ("C", "ftp://x", "Three"))
    assert read(tmp_path, text) == read_knowledge(tmp_path)
