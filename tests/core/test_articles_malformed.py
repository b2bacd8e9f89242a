"""Malformed knowledge: what each kind of file gives, and that it harms no other file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from core.articles import Knowledge, read_knowledge

TOOL = Path(__file__).parents[3] / "shared" / "tools" / "make_bad_kb.py"
URL = "https://clockify.me/help/x/"


def article(title: str, slug: str, body: str) -> str:
    return f"# [ARTICLE] {title}\n{URL}{slug}\n\n{body}\n"


# name: (content, [(title, id, body)], [(line, reason, skipped)])
CASES: dict[str, tuple[str, list[tuple[str, str, str]], list[tuple[int | None, str, bool]]]] = {
    "front_matter_only": (
        "---\ntitle: Nothing below\n---\n",
        [],
        [(None, "front matter only, no article below it", True)],
    ),
    "unclosed_fence": (
        article("A", "a", 'Text.\n```python\nprint("x")') + article("B", "b", "After."),
        [("A", "x/a", 'Text.\n```python\nprint("x")\n```'), ("B", "x/b", "After.")],
        [(1, 'article "A": code fence is never closed', False)],
    ),
    "header_in_fence": (
        article("A", "a", f"Use:\n```\n# [ARTICLE] B\n{URL}b\n\nBody\n```\nEnd."),
        [("A", "x/a", f"Use:\n```\n# [ARTICLE] B\n{URL}b\n\nBody\n```\nEnd.")],
        [(6, "article header in a code fence, read as code", False)],
    ),
    "many_hashes": (
        article("A", "a", "## two\n####### seven\n" + "#" * 2000 + " many"),
        [("A", "x/a", "## two\nseven\nmany")],
        [(1, 'article "A": headings with more than six # read as text', False)],
    ),
    "crlf": (article("A", "a", "1\n\n2").replace("\n", "\r\n"), [("A", "x/a", "1\n\n2")], []),
    "cr": (article("A", "a", "1\n\n2").replace("\n", "\r"), [("A", "x/a", "1\n\n2")], []),
    "bom": ("\ufeff" + article("A", "a", "Text"), [("A", "x/a", "Text")], []),
    "no_url": (
        "# [ARTICLE] A title\n\n## Steps#\nText.\n",
        [("A title", "no_url/a-title", "## Steps\nText.")],
        [(1, 'article "A title" has no URL', False)],
    ),
    "not_an_address": (
        "# [ARTICLE] A\nsee the wiki, page 4\n\nText.\n",
        [("A", "not_an_address/a", "see the wiki, page 4\n\nText.")],
        [(1, 'article "A" has no URL', False)],
    ),
    "script_address": (
        "# [ARTICLE] A\njavascript:alert(1)\n\nText.\n",
        [("A", "script_address/a", "Text.")],
        [(2, 'article "A" loses its URL: only http and https URLs are linked', False)],
    ),
    "long_title": (
        article("Long " * 1500, "a", "Text"),
        [("Long " * 39 + "Long…", "x/a", "Text")],
        [(1, f'article "{"Long " * 16}": title of 7,499 characters cut', False)],
    ),
    "deep_list": (
        article("A", "a", "\n".join("  " * n + f"- {n}" for n in range(9)) + "\n\nEnd"),
        [
            (
                "A",
                "x/a",
                "- 0\n  - 1\n    - 2\n      - 3\n        - 4\n          - 5\n          - 6\n"
                "          - 7\n          - 8\n\nEnd",
            )
        ],
        [(1, 'article "A": lists deeper than 6 levels flattened', False)],
    ),
    "no_marker": (
        "# Plain page\n\nText",
        [("Plain page", "no_marker/plain-page", "Text")],
        [(1, "no URL: cited by its title", False)],
    ),
    "bad_url_of_a_page": (
        "---\ntitle: A\nurl: javascript:alert(1)\n---\nText",
        [("A", "bad_url_of_a_page/a", "Text")],
        [(1, "URL ignored: only http and https URLs are linked", False)],
    ),
    "header_only": (
        "# [ARTICLE] Title and nothing else",
        [],
        [(1, 'article "Title and nothing else": no text', True)],
    ),
    "no_title": (
        article("", "empty-title", "Text"),
        [("Empty title", "x/empty-title", "Text")],
        [(1, 'article without a title, called "Empty title"', False)],
    ),
    "no_body": (article("A", "a", ""), [], [(1, 'article "A": no text', True)]),
    "long_word": (
        article("A", "a", "x" * 450 + " end"),
        [("A", "x/a", f"{'x' * 200} {'x' * 200} {'x' * 50} end")],
        [(1, 'article "A": words longer than 200 characters split', False)],
    ),
    "html": (
        article("A", "a", '<h2>Steps</h2>\n<p id="x">1 &amp; <b>two</b>.</p>\n<script>x</script>'
                "<iframe src=x></iframe><SCRIPT>y</SCRIPT>"),
        [("A", "x/a", "## Steps\n\n1 & two.")],
        [(1, 'article "A": HTML dropped with its contents: script, iframe', False)],
    ),
    "table": (
        article("A", "a", "| Code | Meaning |\n| R1 | one |\n| R2 | two |"),
        [("A", "x/a", "| Code | Meaning |\n| R1 | one |\n| R2 | two |")],
        [],
    ),
    "alias_bomb": (
        "---\na: &a [x,x]\nb: [*a,*a]\n---\n" + article("A", "a", "Text"),
        [("A", "x/a", "Text")],
        [(1, "front matter ignored: it has an anchor", False)],
    ),
    "tag_bomb": (
        "---\ntitle: !!python/object/apply:builtins.print [X]\nn: " + "[" * 3000 + "]" * 3000
        + "\n---\n" + article("A", "a", "Text"),
        [("A", "x/a", "Text")],
        [(1, "front matter ignored: longer than 4 KiB", False)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_malformed_file(tmp_path: Path, name: str) -> None:
    content, articles, warnings = CASES[name]
    (tmp_path / f"{name}.md").write_bytes(content.encode())
    (tmp_path / "zz_good.md").write_text(f"---\nurl: {URL}good\n---\n# Good\n\nmarmalade")
    knowledge = read_knowledge(tmp_path)
    *read, good = knowledge.articles
    assert [(a.title, a.id, a.body) for a in read] == articles
    assert [(w.line, w.reason, w.skipped) for w in knowledge.warnings] == warnings
    assert {w.file for w in knowledge.warnings} <= {f"{name}.md"}
    assert good.body == "marmalade"


def test_later_fence_of_another_article_closes_an_open_one_with_a_warning(tmp_path: Path) -> None:
    text = article("A", "a", "```\nopen") + article("B", "b", "Text\n```\ncode\n```\n")
    (tmp_path / "kb.md").write_text(text)
    knowledge = read_knowledge(tmp_path)
    assert [a.title for a in knowledge.articles] == ["A"]
    assert [str(warning) for warning in knowledge.warnings] == [
        'kb.md:1: article "A": code fence is never closed',
        "kb.md:6: article header in a code fence, read as code",
    ]


# The file that shared/tools/make_bad_kb.py writes: articles, warnings, word to be found
SHARED: dict[str, tuple[int, int, str]] = {
    "00_control_good.md": (1, 0, "marmalade"), "01_empty.md": (0, 1, ""),
    "02_whitespace_only.md": (0, 1, ""), "03_front_matter_only.md": (0, 1, ""),
    "04_invalid_utf8.md": (1, 1, "The word is caf"), "05_utf16_bom.md": (1, 1, "quince"),
    "06_single_line_5mb.md": (0, 1, ""), "07_nul_bytes.md": (1, 1, "plum"),
    "08_unclosed_fence.md": (2, 1, "damson"), "09_2000_heading_levels.md": (1, 1, "text 2000"),
    "10_duplicate_urls_titles.md": (4, 3, "differs"), "11_table_500_rows.md": (1, 0, "R437"),
    "12_crlf.md": (1, 0, "medlar"), "13_cr_only.md": (1, 0, "sorb"),
    "14_utf8_bom.md": (1, 0, "loquat"), "15_rtl_emoji.md": (1, 0, "override and combining"),
    "16_png_named.md": (0, 1, ""), "17_html_script.md": (1, 1, "second paragraph & entity <tag>"),
    "18_no_url.md": (1, 1, "mulberry"), "19_bad_urls.md": (5, 4, "pomelo"),
    "20_long_title.md": (1, 1, "citron"), "21_deep_lists.md": (1, 1, "feijoa"),
    "22_yaml_alias_bomb.md": (1, 1, "tayberry"), "23_yaml_tag_bomb.md": (1, 1, "cloudberry"),
    "24_no_article_marker.md": (1, 1, "yuzu"), "25_header_only.md": (0, 1, ""),
    "26_empty_title_and_body.md": (1, 2, "jujube"), "27_header_in_fence.md": (1, 1, "salak"),
    "28_truncated_multibyte.md": (1, 1, "日"), "29_directory.md": (1, 0, "rambutan"),
    "30_symlink_loop": (1, 2, "durian"), "31_dangling_link.md": (0, 1, ""),
    "32_long_words.md": (1, 1, "longan"), "EXPECTED.md": (1, 1, "Rules for all"),
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    if not TOOL.is_file():
        pytest.skip(f"{TOOL} is not on this machine")
    folder = tmp_path_factory.mktemp("bad") / "kb"
    subprocess.run([sys.executable, str(TOOL), str(folder)], check=True, capture_output=True)
    return read_knowledge(folder)


def test_shared_malformed_folder(shared: Knowledge) -> None:
    bodies: dict[str, list[str]] = defaultdict(list)
    warnings: dict[str, int] = defaultdict(int)
    for found in shared.articles:
        bodies[found.source.partition(":")[0].partition("/")[0]].append(found.body)
    for warning in shared.warnings:
        warnings[warning.file.partition("/")[0]] += 1
    outcome = {
        name: (
            len(bodies[name]),
            warnings[name],
            word if any(word in body for body in bodies[name]) else "",
        )
        for name, (_, _, word) in SHARED.items()
    }
    assert outcome == SHARED


# of the first bad byte, heading, element, list or article
LINES = {
    "04_invalid_utf8.md": 5, "07_nul_bytes.md": 4, "09_2000_heading_levels.md": 1,
    "16_png_named.md": 1, "17_html_script.md": 1, "21_deep_lists.md": 1,
    "24_no_article_marker.md": 1, "28_truncated_multibyte.md": 4,
}  # fmt: skip


def test_shared_malformed_folder_names_lines(shared: Knowledge) -> None:
    found = {warning.file: warning.line for warning in shared.warnings}
    assert {name: found[name] for name in LINES} == LINES


def test_pages_are_told_to_have_no_url_only_where_others_have_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n\nText {name}")
    assert read_knowledge(tmp_path).warnings == ()
    (tmp_path / "c.md").write_text(article("C", "c", "Text c"))
    assert [str(warning) for warning in read_knowledge(tmp_path).warnings] == [
        "a.md:1: no URL: cited by its title",
        "b.md:1: no URL: cited by its title",
    ]


def test_shared_malformed_folder_gives_safe_values(shared: Knowledge) -> None:
    assert len({found.id for found in shared.articles}) == len(shared.articles)
    own = [found for found in shared.articles if found.source != "EXPECTED.md"]
    whole = "".join(found.title + found.body for found in own)
    assert [c for c in "\0\r\u202e\u202c\ufeff" if c in whole] == []
    for forbidden in ("SCRIPT-MARKER", "UNSAFE-YAML", "evil.example", "javascript", "onclick"):
        assert forbidden not in whole
    assert {(found.url or "https:").partition(":")[0] for found in shared.articles} == {"https"}
    assert max(len(found.title) for found in shared.articles) == 200


def test_shared_folder_is_read_where_it_stands(shared: Knowledge) -> None:
    """Names are relative: nothing of this machine gets into the index."""
    names = [found.source for found in shared.articles] + [file.path for file in shared.files]
    assert not any(os.path.isabs(name) or ".." in name for name in names)
