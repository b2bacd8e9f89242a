"""Article → Chunk: by structure and by the embedder's own tokens.

Takes a cleaned article, gives chunks whose indexed text (title, heading path, text) fits the
embedder, so that no text is cut off silently. Lists keep their lead-in, table rows their header,
code stays whole where it fits. One summary chunk per article (title and headings) is searched but
never quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .outline import Block, BlockKind, Section, outline
from .types import Article, Chunk, ChunkKind

MIN_TEXT_TOKENS = 32  # a chunk has room for at least this much text, or for half of its tokens
MAX_CHARS_PER_TOKEN = 12  # tokenizers count a word of 300,000 characters as one unknown token
HEADINGS_IN_PATH = 3
LEAD_IN_CHARS = 240
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[\w\"'“(\[*`])")

CountTokens = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Token limits of a chunk's indexed text: packing stops at target, nothing exceeds most."""

    target: int
    most: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a block that is never split further; offsets into the article's body."""

    text: str
    start: int
    end: int
    tokens: int  # with the joiner
    joiner: str = "\n\n"  # stands between this piece and the one before it in a chunk
    lead_in: str = ""  # repeated above the piece when it begins a chunk
    lead_tokens: int = 0
    introduces: bool = False  # stays with the piece after it


def split_article(
    article: Article, *, sizes: ChunkSizes, count_tokens: CountTokens
) -> tuple[Chunk, ...]:
    """Split an article into body chunks in reading order, then its summary chunk."""
    count_tokens = _bounded(count_tokens)
    path_room = sizes.most - _text_room(sizes)
    title = _cut_to(article.title, path_room, count_tokens)
    sections = outline(article.body)
    ordinals: Counter[str] = Counter()
    chunks = []
    for section in sections:
        own = [heading for heading in section.headings if heading != article.title]
        slug = slugify(own[-1]) if own else "intro"
        headings = _heading_path(title, own, path_room, count_tokens)
        path_tokens = _path_tokens(title, headings, count_tokens)
        for text, start, end in _section_texts(section, path_tokens, sizes, count_tokens):
            ordinals[slug] += 1
            chunks.append(
                Chunk(
                    id=f"{article.id}#{slug}.{ordinals[slug]}",
                    article_id=article.id,
                    title=title,
                    headings=headings,
                    text=text,
                    url=article.url,
                    start=start,
                    end=end,
                )
            )
    return (*chunks, _summary(article, title, sections, sizes, count_tokens))


def slugify(text: str) -> str:
    """Give a short id of a heading: "Cancel a plan?" → "cancel-a-plan"."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "-".join(re.findall(r"\w+", plain))[:60] or "section"


def _bounded(count_tokens: CountTokens) -> CountTokens:
    return lambda text: max(count_tokens(text), -(-len(text) // MAX_CHARS_PER_TOKEN))


def _text_room(sizes: ChunkSizes) -> int:
    return min(MIN_TEXT_TOKENS, sizes.most // 2)


def _cut_to(title: str, room: int, count_tokens: CountTokens) -> str:
    while _path_tokens(title, (), count_tokens) > room and title:
        title = title[: len(title) * 3 // 4].rstrip()
    return title


def _heading_path(
    title: str, headings: Sequence[str], room: int, count_tokens: CountTokens
) -> tuple[str, ...]:
    path = tuple(headings[-HEADINGS_IN_PATH:])
    while path and _path_tokens(title, path, count_tokens) > room:
        path = path[1:]
    return path


def _path_tokens(title: str, headings: Sequence[str], count_tokens: CountTokens) -> int:
    return count_tokens(" > ".join((title, *headings))) + 1  # the line's end


def _summary(
    article: Article,
    title: str,
    sections: Sequence[Section],
    sizes: ChunkSizes,
    count_tokens: CountTokens,
) -> Chunk:
    headings = dict.fromkeys(h for s in sections for h in s.headings[-1:] if h != article.title)
    text, budget = "", sizes.most - _path_tokens(title, (), count_tokens)
    for heading in headings:
        longer = f"{text}; {heading}" if text else heading
        if count_tokens(longer) > budget:
            break
        text = longer
    return Chunk(
        id=f"{article.id}#summary.0",
        article_id=article.id,
        title=title,
        headings=(),
        text=text,
        url=article.url,
        start=0,
        end=0,
        kind=ChunkKind.SUMMARY,
    )


def _section_texts(
    section: Section, path_tokens: int, sizes: ChunkSizes, count_tokens: CountTokens
) -> Iterator[tuple[str, int, int]]:
    most = sizes.most - path_tokens
    target = max(sizes.target - path_tokens, _text_room(sizes))
    pieces = _pieces(section.blocks, most, count_tokens)
    for group in _pack(pieces, target, most):
        first, rest = group[0], group[1:]
        text = first.text + "".join(piece.joiner + piece.text for piece in rest)
        if first.lead_in:
            text = first.lead_in + ("\n" if first.joiner == "\n" else "\n\n") + text
        yield text, first.start, group[-1].end


def _pack(pieces: Sequence[_Piece], target: int, most: int) -> Iterator[list[_Piece]]:
    group: list[_Piece] = []
    used = 0
    for position, piece in enumerate(pieces):
        # A lead-in moves on with what it introduces, or with the first part of it.
        after = pieces[position + 1].tokens if piece.introduces else 0
        follower = after if piece.tokens + after <= most else 0
        held = bool(group) and group[-1].introduces and used + piece.tokens <= most
        if group and not held and used + piece.tokens + follower > target:
            yield group
            group, used = [], 0
        if not group:
            used = piece.lead_tokens
        group.append(piece)
        used += piece.tokens
    if group:
        yield group


def _pieces(blocks: Sequence[Block], most: int, count_tokens: CountTokens) -> list[_Piece]:
    pieces: list[_Piece] = []
    for position, block in enumerate(blocks):
        before = blocks[position - 1] if position else None
        after = blocks[position + 1] if position + 1 < len(blocks) else None
        lead = _lead_in(block, before)
        lead_tokens = count_tokens(f"{lead}\n\n") if lead else 0
        if lead_tokens > most // 2:
            lead, lead_tokens = "", 0
        tokens = count_tokens(f"\n\n{block.text}")
        # A list is rather split than parted from its lead-in.
        if tokens + (lead_tokens if block.kind is BlockKind.LIST else 0) <= most:
            introduces = _introduces(block, after)
            piece = _Piece(block.text, block.start, block.end, tokens, introduces=introduces)
            pieces.append(piece)
        else:
            pieces.extend(_split_block(block, lead, lead_tokens, most, count_tokens))
    return pieces


def _lead_in(block: Block, before: Block | None) -> str:
    if block.header or before is None or not _introduces(before, block):
        return block.header
    return before.text


def _split_block(
    block: Block, lead: str, lead_tokens: int, most: int, count_tokens: CountTokens
) -> Iterator[_Piece]:
    joiner = " " if block.kind is BlockKind.PARAGRAPH else "\n"
    room = most - lead_tokens - 1  # the joiner
    for number, (text, offset) in enumerate(_parts(block, room, count_tokens)):
        start = block.start + offset
        yield _Piece(
            text,
            start,
            start + len(text),
            count_tokens(f"\n\n{text}"),
            joiner=joiner if number else "\n\n",
            lead_in=lead if number else "",
            lead_tokens=lead_tokens if number else 0,
        )


def _introduces(block: Block, after: Block | None) -> bool:
    """Say whether a paragraph is the lead-in of the list, table or code after it."""
    if after is None or block.kind is not BlockKind.PARAGRAPH:
        return False
    follows = after.kind in (BlockKind.LIST, BlockKind.TABLE, BlockKind.CODE)
    return follows and len(block.text) <= LEAD_IN_CHARS


def _parts(block: Block, room: int, count_tokens: CountTokens) -> Iterator[tuple[str, int]]:
    """Cut an over-long block: at items or rows, then sentences, then words, then characters."""
    match block.kind:
        case BlockKind.LIST | BlockKind.TABLE:
            cuts = list(block.cuts)
        case BlockKind.CODE:
            cuts = [match.end() for match in re.finditer(r"\n", block.text)]
        case BlockKind.PARAGRAPH:
            ends = (match.end() for match in SENTENCE_END.finditer(block.text))
            cuts = sorted({*ends, *(match.end() for match in re.finditer(r"\n", block.text))})
    yield from _cut(block.text, 0, cuts, room, count_tokens)


def _cut(
    text: str, base: int, cuts: Sequence[int], room: int, count_tokens: CountTokens
) -> Iterator[tuple[str, int]]:
    edges = [0, *(c for c in cuts if 0 < c < len(text)), len(text)]
    for start, end in pairwise(edges):
        part = text[start:end].rstrip()
        if not part.strip():
            continue
        if count_tokens(part) <= room:
            yield part, base + start
        else:
            yield from _windows(part, base + start, room, count_tokens)


def _windows(
    text: str, base: int, room: int, count_tokens: CountTokens
) -> Iterator[tuple[str, int]]:
    """Cut a text without structure into windows of whole words, each at most room tokens."""
    position = 0
    while position < len(text):
        end = min(position + room * 4, len(text))
        while end > position + 1 and count_tokens(text[position:end]) > room:
            end = position + max((end - position) * 3 // 4, 1)
        if end < len(text):
            blank = max(text.rfind(mark, position + 1, end) for mark in " \n")
            end = blank + 1 if blank > position else end
        part = text[position:end].strip()
        if part:
            yield part, base + text.index(part, position)
        position = end
