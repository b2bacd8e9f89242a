"""Markdown in, Slack mrkdwn out that cannot ping, spoof a link or hide characters.

What makes it so is in escaping.py; its names are here, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from .escaping import (
    ADDRESS,
    Links,
    break_broadcasts,
    clean,
    code,
    escape,
    escape_entities,
    join,
    link,
    neutral,
)

__all__ = ["ADDRESS", "Links", "break_broadcasts", "clean", "code", "escape", "join", "link"]

# No HTML and no reference links, whose "[1]: url" lines would take over our citations.
PARSER = (
    MarkdownIt("commonmark", {"html": False})
    .enable(["table", "strikethrough"])
    .disable(["code", "reference", "lheading", "html_block", "html_inline"])
)


def to_mrkdwn(markdown: str, links: Links) -> str:
    """Convert Markdown: bold, lists, steps and code stay, [n] and allowed addresses become links.

    >>> to_mrkdwn("1. Open **Settings**\\n2. Go to evil.com", Links())
    '1. Open *Settings*\\n2. Go to `evil.com`'
    """
    tokens = PARSER.parse(clean(markdown))
    return break_broadcasts(_blocks(SyntaxTreeNode(tokens).children, links, "\n\n"))


def _blocks(nodes: Sequence[SyntaxTreeNode], links: Links, between: str) -> str:
    """Join blocks; a list stands close under the line that introduces it."""
    joined, before = "", ""
    for node in nodes:
        text = _block(node, links)
        if text and joined:
            introduced = before == "paragraph" and node.type.endswith("_list")
            joined += "\n" if introduced else between
        if text:
            joined, before = joined + text, node.type
    return joined


def _block(node: SyntaxTreeNode, links: Links) -> str:
    match node.type:
        case "heading":
            return wrap("*", _inline(node, links, is_bold=True))
        case "fence" | "code_block":
            content = escape_entities(node.content.rstrip("\n").replace("```", "'''"))
            return f"```\n{content}\n```" if content.strip() else ""
        case "bullet_list" | "ordered_list":
            return "\n".join(_item(item, links) for item in node.children)
        case "blockquote":
            inner = _blocks(node.children, links, "\n")
            return "\n".join(f"&gt; {line}" for line in inner.split("\n"))
        case "table":
            rows = (row for part in node.children for row in part.children)
            return "\n".join(
                " | ".join(_inline(cell, links, is_bold=False) for cell in row.children)
                for row in rows
            )
        case "inline":
            return _spans(node.children, links, is_bold=False)
        case _:
            return _blocks(node.children, links, "\n")


def _item(node: SyntaxTreeNode, links: Links) -> str:
    mark = "•" if node.markup in "-*+" else f"{node.info}."
    lines = _blocks(node.children, links, "\n").split("\n")
    return "\n    ".join((f"{mark} {lines[0]}", *lines[1:]))


def _inline(node: SyntaxTreeNode, links: Links, *, is_bold: bool) -> str:
    spans = [span for inline in node.children for span in inline.children]
    return _spans(spans, links, is_bold=is_bold)


def _spans(nodes: Iterable[SyntaxTreeNode], links: Links, *, is_bold: bool) -> str:
    """Convert what stands in a line; texts that end up side by side are made inert as one.

    "[evil](x).com" would else become a domain of two harmless halves.
    """
    pieces, text = [], ""
    for node in _shown(nodes, links, is_bold=is_bold):
        if node.type in ("text", "image"):
            text += node.content
        else:
            pieces += [neutral(text, links), _span(node, links, is_bold=is_bold)]
            text = ""
    return join([*pieces, neutral(text, links)])


def _shown(
    nodes: Iterable[SyntaxTreeNode], links: Links, *, is_bold: bool
) -> Iterator[SyntaxTreeNode]:
    """Give nodes that leave a trace; in place of the others what is inside them."""
    for node in nodes:
        is_refused = node.type == "link" and links.safe(_address(node)) is None
        if is_refused or (node.type == "strong" and is_bold):
            yield from _shown(node.children, links, is_bold=is_bold)
        else:
            yield node


def _span(node: SyntaxTreeNode, links: Links, *, is_bold: bool) -> str:
    match node.type:
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline":
            return code(node.content)
        case "link":
            label = "".join(child.content for child in node.walk() if not child.children)
            return link(_address(node), label, links)
    inner = _spans(node.children, links, is_bold=is_bold)
    marks = {"strong": "*", "em": "_", "s": "~"}
    return wrap(marks[node.type], inner) if node.type in marks else inner


def _address(node: SyntaxTreeNode) -> str:
    return str(node.attrs.get("href", ""))


def wrap(mark: str, mrkdwn: str) -> str:
    """Put a mark around each line: Slack's marks end at a line end."""
    lines = (line.strip() for line in mrkdwn.split("\n"))
    return "\n".join(f"{mark}{line}{mark}" if line else "" for line in lines)
