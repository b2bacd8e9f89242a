"""What flows between the steps: frozen values, tuples, arrays with their shapes named."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]  # (dim,) unit length
Vectors = NDArray[np.float32]  # (n, dim) unit rows; row i belongs to chunk i

REFUSAL_TEXT = "I don't know based on the MD."  # the only wording of a refusal, everywhere


class ChunkKind(StrEnum):
    """BODY is quoted; SUMMARY (title and headings of an article) is only searched."""

    BODY = "body"
    SUMMARY = "summary"


class Role(StrEnum):
    """What a text is embedded as; some models want another prefix for each."""

    DOCUMENT = "document"
    QUERY = "query"


class RefusalReason(StrEnum):
    """Why there is no answer."""

    NOTHING_FOUND = "nothing_found"
    WEAK_EVIDENCE = "weak_evidence"
    UNSUPPORTED = "unsupported"


class NoticeKind(StrEnum):
    """What was said instead of a question."""

    EMPTY = "empty"
    GREETING = "greeting"
    THANKS = "thanks"
    HELP = "help"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Article:
    """One document of the knowledge base; body is cleaned Markdown without the title."""

    id: str
    title: str
    url: str | None
    body: str
    digest: str  # SHA-256 of title, url and body
    source: str  # path inside the knowledge, with a line for merged files


@dataclass(frozen=True, slots=True)
class KnowledgeWarning:
    """One thing that was skipped or repaired while reading the knowledge."""

    file: str
    line: int | None
    reason: str
    skipped: bool

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of retrieval; id is stable over rebuilds: "billing/refunds#cancel-a-plan.1"."""

    id: str
    article_id: str
    title: str
    headings: tuple[str, ...]
    text: str
    url: str | None
    start: int  # character offsets in the article's body, [start, end)
    end: int
    kind: ChunkKind = ChunkKind.BODY

    @property
    def indexed_text(self) -> str:
        """What is embedded and what BM25 counts: title, heading path, text."""
        path = " > ".join((self.title, *self.headings))
        return f"{path}\n{self.text}" if self.text else path


@dataclass(frozen=True, slots=True)
class Hit:
    """A found chunk; score is comparable within one question only."""

    chunk: Chunk
    score: float  # fused
    bm25: float | None
    similarity: float | None  # cosine in [-1, 1]; None when the question could not be embedded
    row: int = -1  # index of the chunk in its generation


@dataclass(frozen=True, slots=True)
class Snippet:
    """What the answer may cite as [number]; numbers start at 1."""

    number: int
    chunk: Chunk
    text: str
    score: float = 0.0  # fused score of the hit


@dataclass(frozen=True, slots=True)
class Context:
    """All that the answerer sees."""

    snippets: tuple[Snippet, ...]
    tokens: int
    term_weights: tuple[tuple[str, float], ...] = ()  # the question's terms with their idf
    history_tokens: int = 560  # room for earlier exchanges beside the snippets


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier question and what was replied."""

    question: str
    reply: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asked, with earlier exchanges of the same conversation, oldest first."""

    text: str
    history: tuple[Exchange, ...] = ()
    id: str = ""
    folders: tuple[str, ...] = ()  # of the knowledge that may be searched; empty: all of it


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model read and wrote for one answer, in its own tokens; 0 where it did not say."""

    prompt_tokens: int = 0  # as the server counted them
    estimated_tokens: int = 0  # as we had estimated them
    answer_tokens: int = 0
    snippets: int = 0  # sent with the prompt that was answered; fewer than packed after a cut
    prompt_digest: str = ""  # SHA-256 of the messages that were answered; "" without a prompt


@dataclass(frozen=True, slots=True)
class Draft:
    """What an answerer wrote, before it is checked."""

    text: str
    answerer: str
    model: str = ""  # "" without a language model
    prompt_version: str = ""  # of core/prompt.py; "" without a prompt
    usage: Usage = Usage()
    is_quote: bool = False  # copied from the snippets, so only its citations need a check
    remarks: tuple[str, ...] = ()  # for operators: "the prompt was cut, asked with 3 snippets"


@dataclass(frozen=True, slots=True)
class Source:
    """A snippet that the answer cites, in the order of first use."""

    n: int
    title: str
    url: str | None
    headings: tuple[str, ...]
    chunk_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Text (Markdown with [n]) and the sources it cites."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason not to answer, and the nearest articles, which may help."""

    reason: RefusalReason
    nearest: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """Small talk, help or a limit; nothing was searched."""

    kind: NoticeKind
    text: str


Reply = Answer | Refusal | Notice


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent on one question."""

    retrieve: float = 0.0  # rewriting of a follow-up included
    answer: float = 0.0
    total: float = 0.0
    rewrite: float = 0.0
    rerank: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and all that came of it."""

    question: Question
    reply: Reply
    hits: tuple[Hit, ...] = ()
    generation: str = ""
    embedder: str = ""
    answerer: str = ""
    timings_ms: Timings = field(default_factory=Timings)
    footnotes: tuple[str, ...] = ()  # "Ollama did not answer; …": shown under the reply
    standalone: str = ""  # what was searched: a follow-up read together with its question
    model: str = ""  # the language model that wrote the draft
    prompt_version: str = ""
    usage: Usage = Usage()
    context: Context | None = None  # what the answerer saw
    draft: str = ""  # the answerer's text before it was checked: not safe to show
    remarks: tuple[str, ...] = ()  # for operators: "rerank skipped: timeout"; never shown to askers

    @property
    def written_by(self) -> str:
        """Name the answerer with its model and prompt: "ollama qwen2.5:32b, prompt 3"."""
        prompt = f", prompt {self.prompt_version}" if self.prompt_version else ""
        return f"{self.answerer} {self.model}".strip() + prompt
