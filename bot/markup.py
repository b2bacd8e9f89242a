"""Markdown and plain text in, Slack mrkdwn out that cannot ping, spoof a link or hide characters.

Every "<" of the output begins a link written here; its host is one of the turn's sources' hosts.
What Slack would turn into a link by itself (addresses, domains) is shown as code instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

MAX_INPUT_CHARS = 12_000
MAX_URL_CHARS = 2_000
MAX_LABEL_CHARS = 150

# Letters of category Lo, Mn or So that show nothing; the other invisible ones are Cc, Cf, Co, Cs.
INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs"})
BROADCAST = re.compile(r"[@＠﹫](?=[*_~]{0,3}(?:channel|here|everyone|group))", re.IGNORECASE)
DOT = r"[.。．｡]"
LABEL = r"[\w-]{1,63}"
# An address with a scheme, an e-mail address, or a domain with its path.
REST = r"[^\s<>\[\]()|`\"]*"
DOMAIN = rf"(?:{LABEL}{DOT}){{1,10}}(?:xn--{LABEL}|[^\W\d_]{{2,63}})(?![^\W_])"
ADDRESS = re.compile(
    rf"[A-Za-z0-9+.-]{{0,31}}://{REST}"
    rf"|(?<![\w.+-])(?:mailto:)?[\w.+-]{{1,64}}@{DOMAIN}"
    rf"|(?<![\w-]){DOMAIN}(?:[:/?#]{REST})?"
)
CITATION = re.compile(r"\[(\d{1,3})\]")
# No HTML and no reference links, whose "[1]: url" lines would take over our citations.
PARSER = (
    MarkdownIt("commonmark", {"html": False})
    .enable(["table", "strikethrough"])
    .disable(["code", "reference", "lheading", "html_block", "html_inline"])
)
TRAILING = re.compile(r"[.,;:!?'*_~…]{1,10}$")


@dataclass(frozen=True, slots=True)
class Links:
    """Which links may appear: hosts allowed, and the addresses that [n] stands for."""

    hosts: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()
    citations: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, urls: Iterable[str | None], citations: Mapping[int, str | None]) -> Links:
        """Allow the hosts of some sources' addresses; what is no proper http(s) address is out."""
        known = frozenset(url for url in urls if url and _normal_url(url))
        hosts = frozenset(urlsplit(url).hostname or "" for url in known) - {""}
        return cls(hosts, known, {n: url for n, url in citations.items() if url in known and url})

    def safe(self, url: str) -> str | None:
        """Give the address as it may be linked, or None.

        A query is allowed only on a source's own address: elsewhere it could carry text out.
        """
        normal = _normal_url(url)
        if normal is None or url in self.exact:
            return normal
        parts = urlsplit(normal)
        return normal if parts.hostname in self.hosts and not parts.query else None


def _normal_url(url: str) -> str | None:
    if len(url) > MAX_URL_CHARS or re.search(r"[\s\\<>|\"`\x00-\x1f]", url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    is_plain_host = re.fullmatch(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,10}", host)
    if parts.scheme not in ("http", "https") or not is_plain_host or "@" in parts.netloc:
        return None
    place = host if port is None else f"{host}:{port}"
    path, query, fragment = (
        quote(part, safe="/%:=+,;~&", errors="replace")
        for part in (parts.path, parts.query, parts.fragment)
    )
    whole = path + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    normal = f"{parts.scheme}://{place}{whole}".replace("&", "&amp;")
    return normal if len(normal) <= MAX_URL_CHARS else None


def clean(text: str) -> str:
    """Drop characters that nobody sees or that reorder text; keep line ends.

    >>> clean("pay\\u202ePal\\u200b\\r\\nnow")
    'payPal\\nnow'
    """
    lines = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text[:MAX_INPUT_CHARS])
    return "".join(_kept(char) for char in lines.replace("\t", " "))


def _kept(char: str) -> str:
    if char == "\n" or (" " <= char <= "~"):
        return char
    is_noncharacter = (ord(char) & 0xFFFE) == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
    if is_noncharacter or char in INVISIBLE_LETTERS:
        return ""
    return "" if unicodedata.category(char) in DROPPED_CATEGORIES else char


def escape(text: str) -> str:
    """Turn plain text into mrkdwn that shows it: no markup, no link, no ping.

    >>> escape("<!channel> & @here")
    '&lt;!channel&gt; &amp; @ here'
    """
    return break_broadcasts(neutral(clean(text), Links()))


def code(text: str) -> str:
    """Show text as inline code, on one line.

    >>> code("a `b`")
    "`a 'b'`"
    """
    flat = " ".join(clean(text).replace("`", "'").split())
    return break_broadcasts(f"`{escape_entities(flat)}`") if flat else ""


def link(url: str | None, label: str, links: Links) -> str:
    """Link a label when the address is allowed; otherwise show the label alone."""
    flat = " ".join(clean(label).split())[:MAX_LABEL_CHARS]
    safe = links.safe(url) if url else None
    if safe is None:
        return break_broadcasts(neutral(flat, Links()))
    if not flat or "://" in flat or ADDRESS.search(flat):
        return f"<{safe}>"
    shown = escape_entities(flat).replace("|", "¦").replace("`", "'")
    return f"<{safe}|{break_broadcasts(shown)}>"


def neutral(text: str, links: Links) -> str:
    """Escape plain text; addresses become links when allowed and code when not, [n] its source."""
    pieces: list[str] = []
    position = 0
    for match in re.finditer(f"{CITATION.pattern}|{ADDRESS.pattern}", text):
        pieces.append(_escaped(text[position : match.start()]))
        position = match.end()
        if match[1]:
            pieces.append(_citation(int(match[1]), links))
        else:
            pieces.extend(_address(match[0], links))
    pieces.append(_escaped(text[position:]))
    return join(pieces)


def _citation(number: int, links: Links) -> str:
    url = links.safe(links.citations.get(number, ""))
    return f"<{url}|[{number}]>" if url else f"[{number}]"


def _address(found: str, links: Links) -> list[str]:
    trailing = TRAILING.search(found)
    address = found[: trailing.start()] if trailing else found
    safe = links.safe(address)
    shown = f"<{safe}>" if safe else f"`{escape_entities(address)}`"
    return [shown if address else "", _escaped(found[len(address) :])]


def _escaped(text: str) -> str:
    # A backtick left in text could pair with one of ours and move the borders of code.
    return escape_entities(text.replace("`", "'"))


def escape_entities(text: str) -> str:
    """Escape the three characters that Slack's markup is made of."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def join(pieces: Iterable[str]) -> str:
    """Put pieces together; inline code gets a blank next to a letter, else Slack ignores it."""
    out = ""
    for piece in pieces:
        is_code_next = piece[:1] == "`" and out[-1:].isalnum()
        is_code_before = out[-1:] == "`" and (piece[:1].isalnum() or piece[:1] == "`")
        out += f" {piece}" if is_code_next or is_code_before else piece
    return out


def break_broadcasts(mrkdwn: str) -> str:
    """Take @channel, @here and @everyone apart; no link of ours holds an @."""
    return BROADCAST.sub("@ ", mrkdwn)


def wrap(mark: str, mrkdwn: str) -> str:
    """Put a mark around each line: Slack's marks end at a line end."""
    lines = (line.strip() for line in mrkdwn.split("\n"))
    return "\n".join(f"{mark}{line}{mark}" if line else "" for line in lines)


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
            return join(_span(child, links, is_bold=False) for child in node.children)
        case _:
            return _blocks(node.children, links, "\n")


def _item(node: SyntaxTreeNode, links: Links) -> str:
    mark = "•" if node.markup in "-*+" else f"{node.info}."
    lines = _blocks(node.children, links, "\n").split("\n")
    return "\n    ".join((f"{mark} {lines[0]}", *lines[1:]))


def _inline(node: SyntaxTreeNode, links: Links, *, is_bold: bool) -> str:
    spans = (span for inline in node.children for span in inline.children)
    return join(_span(span, links, is_bold=is_bold) for span in spans)


def _span(node: SyntaxTreeNode, links: Links, *, is_bold: bool) -> str:
    inner = join(_span(child, links, is_bold=is_bold) for child in node.children)
    match node.type:
        case "text":
            return neutral(node.content, links)
        case "softbreak" | "hardbreak":
            return "\n"
        case "strong":
            return inner if is_bold else wrap("*", inner)
        case "em":
            return wrap("_", inner)
        case "s":
            return wrap("~", inner)
        case "code_inline":
            return code(node.content)
        case "link":
            return _linked(str(node.attrs.get("href", "")), node, inner, links)
        case "image":
            return neutral(node.content, Links())
        case _:
            return inner


def _linked(url: str, node: SyntaxTreeNode, inner: str, links: Links) -> str:
    if links.safe(url) is None:
        return inner
    return link(url, "".join(child.content for child in node.walk() if not child.children), links)
