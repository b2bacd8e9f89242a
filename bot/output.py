"""Turn → one JSON object, or text for a terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.types import (
    REFUSAL_TEXT,
    Answer,
    Context,
    Hit,
    Notice,
    Refusal,
    Timings,
    Turn,
    Usage,
)


def turn_to_json(turn: Turn, *, id: str) -> dict[str, Any]:
    """Give the object that `ask --json` prints and `ask --batch` writes."""
    reply = turn.reply
    sources = [asdict(source) for source in reply.sources] if isinstance(reply, Answer) else []
    return {
        "id": id,
        "query": turn.question.text,
        "status": status(turn),
        "answer": reply_text(turn),
        "refusal_reason": str(reply.reason) if isinstance(reply, Refusal) else None,
        "sources": [{**source, "headings": list(source["headings"])} for source in sources],
        "nearest": _nearest(reply.nearest) if isinstance(reply, Refusal) else [],
        "hits": [_hit(hit) for hit in turn.hits],
        "footnotes": list(turn.footnotes),
        "generation": turn.generation,
        "embedder": turn.embedder,
        "answerer": turn.answerer,
        "model": turn.model,
        "prompt_version": turn.prompt_version,
        "usage": asdict(turn.usage),
        "remarks": list(turn.remarks),
        "timings_ms": asdict(turn.timings_ms),
    }


def error_to_json(message: str, *, id: str, query: str) -> dict[str, Any]:
    """Give the object of a question that could not be asked."""
    return {
        "id": id,
        "query": query,
        "status": "error",
        "answer": message,
        "refusal_reason": None,
        "sources": [],
        "nearest": [],
        "hits": [],
        "footnotes": [],
        "generation": "",
        "embedder": "",
        "answerer": "",
        "model": "",
        "prompt_version": "",
        "usage": asdict(Usage()),
        "remarks": [],
        "timings_ms": asdict(Timings()),
    }


def status(turn: Turn) -> str:
    """Name the outcome of a question."""
    match turn.reply:
        case Answer():
            return "answered"
        case Refusal():
            return "refused"
        case Notice():
            return "notice"


def reply_text(turn: Turn) -> str:
    """Give the reply's own text; a refusal is the constant."""
    return REFUSAL_TEXT if isinstance(turn.reply, Refusal) else turn.reply.text


def turn_to_text(turn: Turn, *, debug: bool = False) -> str:
    """Give a reply as a person reads it in a terminal."""
    parts = [reply_text(turn)]
    match turn.reply:
        case Answer(sources=sources):
            parts.append(
                "\n".join(f"[{s.n}] {_titled(s.title, s.headings)}{_at(s.url)}" for s in sources)
            )
        case Refusal(nearest=nearest) if nearest:
            lines = [f"  - {hit.chunk.title}{_at(hit.chunk.url)}" for hit in nearest]
            parts.append("These articles may help:\n" + "\n".join(lines))
    parts += [f"({footnote})" for footnote in turn.footnotes]
    if debug:
        parts.append(debug_text(turn))
    return "\n\n".join(parts)


def sources_text(turn: Turn) -> str:
    """List the sources of an answer with their headings, for `:sources`."""
    if not isinstance(turn.reply, Answer):
        return "The last reply has no sources."
    return "\n".join(
        f"[{s.n}] {_titled(s.title, s.headings)}{_at(s.url)}\n    {s.chunk_id}"
        for s in turn.reply.sources
    )


def debug_text(turn: Turn) -> str:
    """List what was found, packed, sent and counted, with scores and times."""
    lines = [
        f"generation {turn.generation}, {turn.embedder}, answerer {turn.written_by or 'none'}, "
        f"{_times(turn.timings_ms)}",
        *([f"searched for: {turn.standalone}"] if turn.standalone else []),
        *_tokens(turn.usage),
        *(f"remark: {remark}" for remark in turn.remarks),
        " score  cosine    bm25  chunk",
    ]
    for hit in turn.hits:
        similarity = "     -" if hit.similarity is None else f"{hit.similarity:6.3f}"
        lines.append(f"{hit.score:6.3f}  {similarity}  {hit.bm25 or 0.0:6.2f}  {hit.chunk.id}")
    return "\n".join((*lines, *_packed(turn.context)))


def _times(spent: Timings) -> str:
    """Give each step that took time, and the whole."""
    steps = {
        "rewrite": spent.rewrite,
        "retrieve": spent.retrieve,
        "rerank": spent.rerank,
        "answer": spent.answer,
    }
    always = ("retrieve", "answer")
    told = {name: each for name, each in steps.items() if each or name in always}
    return ", ".join(
        f"{name} {each:.1f} ms" for name, each in (*told.items(), ("total", spent.total))
    )


def _tokens(usage: Usage) -> tuple[str, ...]:
    """Compare what was sent to the model with what it counted; nothing without a model."""
    if usage == Usage():
        return ()
    counted = f"{usage.prompt_tokens} counted" if usage.prompt_tokens else "not counted"
    wrote = f"{usage.answer_tokens} written" if usage.answer_tokens else "answer not counted"
    return (
        f"tokens: prompt {usage.estimated_tokens} estimated, {counted}, {wrote}; "
        f"{usage.snippets} snippets sent",
    )


def _packed(context: Context | None) -> tuple[str, ...]:
    """List the snippets with their part of the tokens that were estimated for all."""
    if context is None or not context.snippets:
        return ()
    characters = sum(len(snippet.text) for snippet in context.snippets) or 1
    return (
        f"packed, {context.tokens} tokens by estimate",
        *(
            f"{f'[{each.number}]':>6}  {round(context.tokens * len(each.text) / characters):5} "
            f"tokens  {each.chunk.id}"
            for each in context.snippets
        ),
    )


def _nearest(hits: tuple[Hit, ...]) -> list[dict[str, Any]]:
    return [{"title": hit.chunk.title, "url": hit.chunk.url} for hit in hits]


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "url": hit.chunk.url,
        "title": hit.chunk.title,
        "chunk_id": hit.chunk.id,
        "score": round(hit.score, 6),
        "similarity": None if hit.similarity is None else round(hit.similarity, 6),
        "bm25": None if hit.bm25 is None else round(hit.bm25, 6),
    }


def _titled(title: str, headings: tuple[str, ...]) -> str:
    return " › ".join((title, *headings))


def _at(url: str | None) -> str:
    return f"  {url}" if url else ""
