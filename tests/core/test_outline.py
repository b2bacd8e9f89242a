"""Markdown as sections and blocks: heading paths, offsets, places where a block may be cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outline import MAX_HEADING_CHARS, Block, BlockKind, Section, outline

BODY = """\
Before any heading.

## Steps

Do this:

1. Open.
   - Inside.
2. Save.

---

### Prices

| Plan | Price |
| --- | --- |
| Basic | 4 |
| Pro | 8 |

## Code

```python
# no heading
```
"""


def paths(body: str) -> list[tuple[str, ...]]:
    return [section.headings for section in outline(body)]


def only_block(body: str) -> Block:
    (section,) = outline(body)
    (block,) = section.blocks
    return block


def test_an_article_in_its_sections() -> None:
    intro, steps, prices, code = outline(BODY)
    assert intro == Section((), (Block(BlockKind.PARAGRAPH, "Before any heading.", 0, 19),))
    assert steps.headings == ("Steps",)
    lead, listed = steps.blocks
    assert (lead.kind, lead.text) == (BlockKind.PARAGRAPH, "Do this:")
    assert (listed.kind, listed.text) == (BlockKind.LIST, "1. Open.\n   - Inside.\n2. Save.")
    assert [listed.text[cut:] for cut in listed.cuts] == [listed.text, "2. Save."]
    assert prices.headings == ("Steps", "Prices")
    (table,) = prices.blocks
    assert table.kind is BlockKind.TABLE
    assert table.header == "| Plan | Price |\n| --- | --- |"
    assert [table.text[cut:].split("\n")[0] for cut in table.cuts] == [
        "| Basic | 4 |",
        "| Pro | 8 |",
    ]
    assert code.headings == ("Code",)
    assert [(b.kind, b.text) for b in code.blocks] == [
        (BlockKind.CODE, "```python\n# no heading\n```")
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", []),
        ("text", [()]),
        ("# A\n## B\n### C\n## D\n# E", [("A",), ("A", "B"), ("A", "B", "C"), ("A", "D"), ("E",)]),
        ("### C\n# A", [("C",), ("A",)]),
        ("# A\n##\ntext", [("A",), ("A",)]),
        ("# **Bold** `code` [link](http://x)", [("Bold code link",)]),
        ("# Add <user name> now", [("Add <user name> now",)]),
        ("Two\nlines\n---\ntext", [("Two lines",)]),
        ("> # quoted\n\n- # listed", [()]),
        ("    # indented code", [()]),
    ],
    ids=[
        "empty",
        "no heading",
        "levels",
        "lower level first",
        "empty heading",
        "markup",
        "placeholder",
        "underlined",
        "nested",
        "indented",
    ],
)
def test_heading_paths(body: str, expected: list[tuple[str, ...]]) -> None:
    assert paths(body) == expected


@pytest.mark.parametrize("mark", ["# {}\n\nnext", "{}\n---\nnext"], ids=["hash", "rule"])
def test_a_heading_too_long_is_text(mark: str) -> None:
    longest = "x" * MAX_HEADING_CHARS
    assert paths(mark.format(longest)) == [(longest,)]
    (section,) = outline(mark.format(longest + "y"))
    assert section.headings == ()
    assert longest + "y" in section.blocks[0].text
    assert section.blocks[1].text == "next"


def test_a_link_definition_is_text() -> None:
    assert only_block("[plans]: https://clockify.me/pricing").text == (
        "[plans]: https://clockify.me/pricing"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_offsets_with_every_line_end(end: str) -> None:
    body = BODY.replace("\n", end)
    blocks = [block for section in outline(body) for block in section.blocks]
    assert [block.text.replace(end, "\n") for block in blocks] == [
        block.text for section in outline(BODY) for block in section.blocks
    ]
    assert [body[block.start : block.end] for block in blocks] == [block.text for block in blocks]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("> quoted", BlockKind.PARAGRAPH),
        ("<div>\nraw\n</div>", BlockKind.PARAGRAPH),
        ("* a\n* b", BlockKind.LIST),
        ("    code", BlockKind.CODE),
        ("```\nnever closed", BlockKind.CODE),
        ("| a |\n| --- |", BlockKind.TABLE),
        ("| a | b |\nno separator", BlockKind.PARAGRAPH),
    ],
    ids=["quote", "html", "list", "indented", "open fence", "no rows", "no table"],
)
def test_kinds(body: str, kind: BlockKind) -> None:
    block = only_block(body)
    assert (block.kind, block.text) == (kind, body)


@given(st.text(alphabet="ab 1.-*+|`~#>=_<[]:\n\r\t\0", max_size=200))
def test_blocks_are_pieces_of_the_body_in_order(body: str) -> None:
    blocks = [block for section in outline(body) for block in section.blocks]
    assert all(body[block.start : block.end] == block.text for block in blocks)
    edges = [edge for block in blocks for edge in (block.start, block.end)]
    assert edges == sorted(edges)
    for block in blocks:
        assert list(block.cuts) == sorted(set(block.cuts))
        assert block.text.startswith(block.header)
