"""Example questions that an index can answer: made from its titles and headings, each one asked.

Takes a pipeline; gives questions, the same for the same generation, of articles all over it. No
language model is asked: an example counts when quotes from its own article answer it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256

from .index import Index
from .phrasing import question_about, question_of
from .pipeline import Pipeline
from .types import Answer, Chunk, Question

MOST_ASKED = 30  # questions, however few of them are answered
MAX_CHARACTERS = 75  # of the text of a button


async def examples(pipeline: Pipeline, *, most: int = 4) -> tuple[str, ...]:
    """Give up to so many questions whose answers cite first the article that they are made from.

    One of a folder while there are others. () when the knowledge gives none, or when there are no
    quotes that the pipeline falls back to. Raises EmbedderMismatch as asking does.
    """
    quoting = pipeline.quoting()
    if quoting is None:
        return ()
    found: dict[str, str] = {}  # folder → question
    spare: dict[str, str] = {}  # article → question, of folders that have one already
    left = MOST_ASKED
    for article, question in _candidates(quoting.index):
        folder = article.partition("/")[0]
        is_wanted = folder not in found or (len(spare) < most and article not in spare)
        if not left or len(found) == most:
            break
        if not is_wanted or question in (*found.values(), *spare.values()):
            continue
        left -= 1
        if await _is_answered(quoting, question, article):
            if folder in found:
                spare[article] = question
            else:
                found[folder] = question
    return (*found.values(), *spare.values())[:most]


async def _is_answered(pipeline: Pipeline, question: str, article: str) -> bool:
    reply = (await pipeline.ask(Question(question))).reply
    return isinstance(reply, Answer) and _article_of(reply.sources[0].chunk_id) == article


def _article_of(chunk_id: str) -> str:
    return chunk_id.rpartition("#")[0]


def _candidates(index: Index) -> Iterator[tuple[str, str]]:
    """Give articles with a question each: of all titles first, then of the first fitting headings.

    The order of the articles is drawn from the generation.
    """
    articles: defaultdict[str, list[Chunk]] = defaultdict(list)
    for row in index.is_body.nonzero()[0]:
        articles[index.chunks[row].article_id].append(index.chunks[row])

    def drawn(article: str) -> str:
        return sha256(f"{index.generation}\0{article}".encode(errors="replace")).hexdigest()

    order = sorted(articles, key=drawn)
    for make in (_of_title, _of_heading):
        for article in order:
            question = make(articles[article])
            if question:
                yield article, question


def _of_title(chunks: list[Chunk]) -> str:
    text = _text(chunks)
    return _short(question_of(chunks[0].title, text)) or _short(
        question_about(chunks[0].title, text)
    )


def _of_heading(chunks: list[Chunk]) -> str:
    text = _text(chunks)
    headings = dict.fromkeys(chunk.headings[-1] for chunk in chunks if chunk.headings)
    made = (_short(question_of(heading, text)) for heading in headings)
    return next(filter(None, made), "")


def _text(chunks: list[Chunk]) -> str:
    return "\n".join(chunk.text for chunk in chunks)


def _short(question: str) -> str:
    return question if len(question) <= MAX_CHARACTERS else ""
