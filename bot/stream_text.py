"""A draft in Markdown, as far as it is written → text that may go into one of Slack's streams.

Streams are read as real Markdown, in which <https://…|label>, <@U…> and <!channel> work, too.
What is here is seen for seconds, until the final message replaces it, so it gives up more than
markup.py does: bold, lists and headings stay; everything that could link, ping, embed or hide is
shown as something that looks alike. What was given for a draft is the beginning of what is given
for a longer one, so that the difference can be appended.
"""

from __future__ import annotations

import re

from .escaping import ADDRESS, break_broadcasts, clean, join

MAX_CHUNK_CHARS = 12_000  # Slack: of one markdown_text
LOOK_ALIKES = str.maketrans({"<": "‹", ">": "›", "\\": "＼", "`": "'"})
ENTITY = re.compile(r"&(?=#?\w)")
BRACKET = re.compile(r"\](?=[(:\[])")
# Marks inside a word could take an address apart for us and leave it whole for the reader.
INNER_MARK = re.compile(
    r"(?<=[\w.:/@\])])[*~]+(?=[\w.:/@\[(])|(?<=\w[.:/@])_+(?=\w)|(?<=\w)_+(?=[.:/@]\w)"
)
MARKS = str.maketrans({"*": "∗", "~": "∼", "_": "＿"})
FENCE = re.compile(r"'{3,}")
TOKEN = re.compile(r"\S+")


def ready(draft: str) -> str:
    """Give what of a draft can be shown, made inert; it ends where the next part may begin.

    The last word waits, because it may go on, and so does bold text that is not closed yet.

    >>> ready("Open **Settings** and <!channel> evil.com now")
    'Open **Settings** and ‹!channel› `evil.com` '
    >>> ready("Press **the start")
    'Press '
    """
    text = clean(draft).rstrip()
    return inert(text[: _end(text)])


def inert(text: str) -> str:
    """Make every word harmless; no rule looks beyond a blank, so parts can be done one by one."""
    return TOKEN.sub(lambda match: _word(match[0]), text)


def chunks(text: str) -> list[str]:
    """Split what is to be appended into parts that Slack takes, at line ends where it can."""
    parts = []
    while len(text) > MAX_CHUNK_CHARS:
        head = text[:MAX_CHUNK_CHARS]
        end = head.rfind("\n") + 1 or head.rfind(" ") + 1 or MAX_CHUNK_CHARS
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text] if text else parts


def _end(text: str) -> int:
    """Find where the last word begins before which no bold text is open in its line."""
    line_start = text.rfind("\n") + 1
    end, is_open = line_start, False
    for token in TOKEN.finditer(text, line_start):
        if not is_open:
            end = token.start()
        is_open ^= token[0].count("**") % 2 == 1
    return end


def _word(word: str) -> str:
    plain = FENCE.sub("", word.translate(LOOK_ALIKES))
    plain = INNER_MARK.sub(lambda match: match[0].translate(MARKS), plain)
    plain = BRACKET.sub("] ", ENTITY.sub("＆", plain))
    pieces = []
    position = 0
    for match in ADDRESS.finditer(plain):
        pieces += [plain[position : match.start()], f"`{match[0]}`"]
        position = match.end()
    return break_broadcasts(join((*pieces, plain[position:])))
