"""Plain text and addresses in, Slack mrkdwn out that cannot ping, spoof a link or hide characters.

Every "<" of the output begins a link written here; its address is one of the turn's sources.
What Slack would turn into a link by itself (addresses, domains) is shown as code instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

MAX_INPUT_CHARS = 12_000
MAX_URL_CHARS = 2_000
MAX_LABEL_CHARS = 150

# Letters of category Lo, Mn or So that show nothing; the other invisible ones are Cc, Cf, Co, Cs.
INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs"})
BROADCASTS = ("channel", "here", "everyone", "group")
CALL = re.compile(r"[@＠﹫](?=[*_~]{0,3}(\w{4,9}))")
DOT = r"[.。．｡]"
LABEL = r"[\w-]{1,63}"
# An address with a scheme, an e-mail address, or a domain with its path.
REST = r"[^\s<>\[\]()|`\"]*"
# A letter behind is part of the name, unless an address with a scheme begins with it.
END = r"(?![A-Za-z0-9](?![A-Za-z0-9+.-]{0,30}://))"
DOMAIN = rf"(?:{LABEL}{DOT}){{1,10}}(?:xn--{LABEL}|[^\W\d_]{{2,63}}){END}"
ADDRESS = re.compile(
    rf"[A-Za-z0-9+.-]{{0,31}}://{REST}"
    rf"|(?<![\w.+-])(?:mailto:)?[\w.+-]{{1,64}}@{DOMAIN}"
    rf"|(?<![\w-]){DOMAIN}(?:[:/?#]{REST})?"
)
PLAIN_LABEL = r"(?!xn--)[a-z0-9-]{1,63}"
PLAIN_HOST = re.compile(rf"{PLAIN_LABEL}(?:\.{PLAIN_LABEL}){{0,10}}")
CITATION = re.compile(r"\[(\d{1,3})\]")
TRAILING = re.compile(r"[.,;:!?'*_~…]{1,10}$")


@dataclass(frozen=True, slots=True)
class Links:
    """Which links may appear: whole addresses as they are written in a link, and what [n] is."""

    addresses: frozenset[str] = frozenset()
    citations: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, urls: Iterable[str | None], citations: Mapping[int, str | None]) -> Links:
        """Allow some sources' addresses; what is no proper http(s) address is out."""
        known = {normal for url in urls if url and (normal := _normal_url(url))}
        cited = {n: _normal_url(url) for n, url in citations.items() if url}
        return cls(frozenset(known), {n: url for n, url in cited.items() if url in known and url})

    def safe(self, url: str) -> str | None:
        """Give the address as it may be linked, or None.

        Another page of a source's host is out, too: its path could carry text to the host.
        """
        normal = _normal_url(url)
        return normal if normal in self.addresses else None


def _normal_url(url: str) -> str | None:
    """Give the address as it stands in a link; None for one that may look like another.

    That is user names, odd or hidden characters and, in hosts, letters beyond ASCII and punycode.
    """
    if len(url) > MAX_URL_CHARS or re.search(r"[\s\\<>|\"`]", url) or clean(url) != url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    place = host if port is None else f"{host}:{port}"
    is_plain = PLAIN_HOST.fullmatch(host) and parts.netloc.lower() == place  # no user name
    if parts.scheme not in ("http", "https") or not is_plain:
        return None
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
    url = links.citations.get(number)
    return f"<{url}|[{number}]>" if url else f"[{number}]"


def _address(found: str, links: Links) -> list[str]:
    trailing = None if links.safe(found) else TRAILING.search(found)
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
    """Take @channel, @here and @everyone apart, in any letters; no link of ours holds an @."""
    return CALL.sub(_apart, mrkdwn)


def _apart(call: re.Match[str]) -> str:
    word = unicodedata.normalize("NFKC", call[1]).lower()
    return "@ " if word.startswith(BROADCASTS) else call[0]
