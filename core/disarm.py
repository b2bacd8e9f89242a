"""Make text that a model wrote inert: no markup, no mentions, no links but the given ones.

Takes Markdown and the addresses that may stay; gives Markdown. Slack's own escaping comes later.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from .injection import without_order_sentences
from .leaks import GONE, without_secrets, without_spans

PASSES = 8  # links inside links inside links

CODE = re.compile(
    r"^[ \t]{0,12}(?P<fence>```|~~~)[^\n]*(?:\n|\Z)(?s:.*?)(?:^[ \t]{0,12}(?P=fence)[^\n]*$|\Z)"
    r"|`[^`\n]{1,300}`",
    re.MULTILINE,
)
TAG = re.compile(
    r"</?(?:a|abbr|audio|b|base|blockquote|body|br|button|center|code|details|div|em|embed|font|"
    r"form|h[1-6]|head|hr|html|i|iframe|img|input|kbd|li|link|mark|meta|object|ol|p|pre|s|script|"
    r"small|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|th|thead|tr|u|ul|"
    r"video)(?:[\s/][^<>]{0,1000})?>",
    re.IGNORECASE,
)
IMAGE = re.compile(r"[ \t]?!\[[^\[\]\n]{0,300}\](?:\([^()\n]{0,2000}\)|\[[^\[\]\n]{0,100}\])")
LINK = re.compile(
    r"\[(?P<label>[^\[\]\n]{0,300})\]"
    r"\([ \t]{0,3}<?(?P<target>(?:[^\s<>()]|\([^\s<>()]{0,100}\)){0,2000})>?"
    r"(?:[ \t]{1,3}[\"'(][^\n()]{0,300})?\)"
)
SLACK_LINK = re.compile(r"<(?P<target>[^<>|\s]{1,2000})\|(?P<label>[^<>\n]{0,300})>")
DEFINITION = re.compile(
    r"^[ \t]{0,3}\[[^\[\]\n]{1,100}\]:[ \t]{0,9}<?(?:[a-z]{2,20}:\S|www\.).*$", re.MULTILINE
)
LEFTOVER_LINK = re.compile(r"\]\((?!https?://)")
LEFTOVER_IMAGE = re.compile(r"!+(?=\[[^\[\]\n]*\]\()")

WORD = re.compile(r"[^\s()\[\]<>\"'`|]+")  # between what may stand beside an address
HOST = re.compile(
    r"(?<![\w.-])(?P<host>(?:[\w-]{1,63}\.){1,6}(?P<top>[^\W\d_]{2,24}))(?![\w-])"
    r"(?P<rest>(?::\d{1,5})?[/?#]\S*)?"
)
# Without a path, only these make an address: "report.csv" stays. Words among them count in lower
# case, since "saved.It opens" is a missing space.
TOP_DOMAIN = re.compile(
    r"app|biz|cc|ch|co|de|dev|edu|eu|example|fr|gov|in|info|it|jp|link|live|me|nl|online|page|ru|"
    r"shop|site|store|tech|test|to|top|tv|uk|us|website|xyz|(?i:com|net|org|io)"
)
SURE_TOP_DOMAIN = re.compile(r"com|net|org", re.IGNORECASE)  # no file is called "a.com.txt"
TRAILING = ".,;:!?*_~…"
GAP = re.compile(rf"[ \t]{{0,4}}(?:\({GONE}\)|{GONE})")

ANGLED = re.compile(r"<([A-Za-z!@#/][^<>\n]{0,300})>")
ANGLE = re.compile(r"(?<!<)<+(?=[A-Za-z!@#/])")
ANGLED_IN_CODE = re.compile(r"<((?:[!@#]|mailto:|tel:)[^<>\n]{0,300})>")
ANGLE_IN_CODE = re.compile(r"(?<!<)<+(?=[!@#]|mailto:|tel:)")
BROADCAST = re.compile(r"@(?=(?:channel|here|everyone)(?![a-z]))", re.IGNORECASE)

INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs"})
INVISIBLE_OTHERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")


def disarm(text: str, *, urls: Iterable[str], hidden: str) -> str:
    """Return the text with nothing active in it.

    Of addresses only the given ones stay, written as given; a label stays without its link. Long
    verbatim pieces of the hidden text (the system prompt) are removed, and so are keys and tokens,
    and sentences that give orders to a model or ask people for their keys.
    """
    links = _Links(urls)
    text = _visible(text)
    text = outside_code(_without_comments(text), lambda part: TAG.sub("", part))
    text = LEFTOVER_IMAGE.sub("", links.cleaned(text))  # in code too: its fence may be none
    text = outside_code(text, lambda part: LEFTOVER_LINK.sub("] (", part))
    text = without_order_sentences(without_spans(without_secrets(text), hidden))
    text = "".join(_flat(part, is_code=is_code) for is_code, part in split_code(text))
    text = BROADCAST.sub("@ ", text)
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def split_code(text: str) -> Iterator[tuple[bool, str]]:
    """Yield (is_code, part): fenced blocks and inline code apart from the rest, in order."""
    at = 0
    for match in CODE.finditer(text):
        yield False, text[at : match.start()]
        yield True, match.group()
        at = match.end()
    yield False, text[at:]


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply the change to all that is not code."""
    return "".join(part if is_code else change(part) for is_code, part in split_code(text))


class _Links:
    """Knows the addresses that may stay, and removes the others."""

    def __init__(self, urls: Iterable[str]) -> None:
        web = [url for url in urls if re.match(r"https?://[^\s@<>()|]+$", url)]
        self._known = {_bare(url): url for url in web}
        self._hosts = {(urlsplit(url).hostname or "").removeprefix("www.") for url in web}

    def cleaned(self, text: str) -> str:
        for _ in range(PASSES):
            before = text
            text = IMAGE.sub("", text)
            text = SLACK_LINK.sub(self._link, LINK.sub(self._link, text))
            if text == before:
                break
        return self._without_addresses(DEFINITION.sub("", text))

    def _without_addresses(self, text: str) -> str:
        return GAP.sub("", WORD.sub(self._word, text))

    def _link(self, match: re.Match[str]) -> str:
        label, url = match["label"].strip(), self._known.get(_bare(match["target"]))
        if label.isdecimal():
            return f"[{label}]"  # a citation that the model made a link
        label = self._without_addresses(label).strip()
        if url is None:
            return label
        return f"[{label}]({url})" if label and not label.startswith("[") else url

    def _word(self, match: re.Match[str]) -> str:
        word = match.group()
        if "://" not in word:
            return HOST.sub(self._host, word)
        core = word.rstrip(TRAILING)
        tail = word[len(core) :]
        start = max(core.find("https://"), core.find("http://"))
        lead, address = (core[:start], core[start:]) if start >= 0 else ("", core)
        host = _host_of(address)
        kept = self._known.get(_bare(address)) or (host if self._is_home(host) else None)
        if kept is not None and "://" not in lead:
            gap = " " if lead[-1:].isalnum() else ""
            return f"{HOST.sub(self._host, lead)}{gap}{kept}{tail}"
        marks = core[: len(core) - len(core.lstrip("*_~"))]
        return f"{marks}{GONE}{tail}"

    def _host(self, match: re.Match[str]) -> str:
        host, top, rest = match["host"], match["top"], match["rest"] or ""
        tail = rest[len(rest.rstrip(TRAILING)) :]
        if f"https://{_bare(host + rest)}" in self._known:
            return match.group()
        if not rest and match.string[match.start() - 1 : match.start()] == "@":
            return host  # an e-mail address
        if self._is_home(host):
            return host + tail
        is_address = rest or host.lower().startswith("www.") or TOP_DOMAIN.fullmatch(top)
        return f"{GONE}{tail}" if is_address else self._before_a_missing_space(host)

    def _before_a_missing_space(self, host: str) -> str:
        """Remove the address from "evil.example.com.Then": a sentence ended without a space."""
        labels = host.split(".")
        for count in range(len(labels) - 1, 1, -1):
            address, rest = ".".join(labels[:count]), ".".join(labels[count:])
            tops = SURE_TOP_DOMAIN if rest[0].islower() else TOP_DOMAIN
            if tops.fullmatch(labels[count - 1]) and not self._is_home(address):
                return f"{GONE}. {rest}"
        return host

    def _is_home(self, host: str) -> bool:
        """Tell whether the host is one of the knowledge, or beneath it: naming it is harmless."""
        host = host.lower().removeprefix("www.")
        return any(host == home or host.endswith(f".{home}") for home in self._hosts)


def _bare(url: str) -> str:
    """Return what two spellings of one address share; a query makes it another address."""
    return url.partition("#")[0].rstrip(TRAILING + "/").lower()


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _visible(text: str) -> str:
    """Drop control, bidirectional, zero-width, private and blank-looking characters."""
    text = re.sub("\r\n?|[\u2028\u2029\x85]", "\n", text)
    return "".join(
        c
        for c in text
        if c in "\n\t"
        or (unicodedata.category(c) not in INVISIBLE_CATEGORIES and c not in INVISIBLE_OTHERS)
    )


def _without_comments(text: str) -> str:
    kept, start = [], 0
    while (opening := text.find("<!--", start)) >= 0:
        kept.append(text[start:opening])
        closing = text.find("-->", opening)
        start = closing + len("-->") if closing >= 0 else len(text)
    return "".join((*kept, text[start:]))


def _flat(part: str, *, is_code: bool) -> str:
    """Remove the angle brackets of tags, mentions and Slack's markup; "a < b" and "->" stay."""
    angled, angle = (ANGLED_IN_CODE, ANGLE_IN_CODE) if is_code else (ANGLED, ANGLE)
    for _ in range(PASSES):
        part, changes = angled.subn(r"\1", part)
        if not changes:
            break
    return angle.sub("", part)
