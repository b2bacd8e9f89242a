"""What a build tells: progress while it runs, a report at its end. JSON in, JSON out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """The steps of a build, in order."""

    LOCKING = "waiting for the build lock"
    PREPARING = "looking after the index"
    READING = "reading articles"
    CHUNKING = "splitting into chunks"
    EMBEDDING = "embedding"
    INDEXING = "indexing"
    EVALUATING = "asking the quality questions"  # when there are any
    CHECKING = "checking"
    PUBLISHING = "publishing"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a build is; seconds_left is None until it can be told."""

    phase: Phase
    done: int
    total: int
    seconds_left: float | None = None


class BuildStatus(StrEnum):
    """How a build ended when it did not fail."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What the quality gate found: the same questions asked of the candidate and of the live one.

    A question is hit when one of its articles is among the first five found.
    """

    questions: int  # that count: their articles are in the knowledge
    hits: int  # of the candidate
    live_hits: int | None = None  # None: there was no live generation to compare with
    worse: tuple[str, ...] = ()  # questions hit by the live generation only
    better: tuple[str, ...] = ()  # questions hit by the candidate only
    gone: tuple[str, ...] = ()  # questions none of whose articles is in the knowledge; not counted
    refusal: str = ""  # why the gate would not publish; "" when it lets the candidate pass

    @property
    def hit_rate(self) -> float:
        """Give hit@5 of the candidate, from 0 to 1; 1 when no question counts."""
        return self.hits / self.questions if self.questions else 1.0


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; counts are of the generation that is live afterwards."""

    status: BuildStatus
    generation: str
    source: str
    articles: int
    chunks: int
    embeddings_computed: int
    embeddings_reused: int
    added: tuple[str, ...] = ()  # article ids
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()  # "file:line: reason"
    skipped: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # phase name → seconds
    bytes_on_disk: int = 0
    embedder: str = ""
    quality: QualityReport | None = None  # None: there are no questions, or nothing was built
    notes: tuple[str, ...] = ()  # sentences: what was forced, edited meanwhile, adopted, repaired
    file_bytes: dict[str, int] = field(default_factory=dict)  # file of the generation → bytes
    cache_bytes: int = 0  # of all kept embeddings

    def as_json(self) -> dict[str, Any]:
        """Give a value that json.dumps takes and from_json reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> BuildReport:
        """Read what as_json gave, also after a trip through JSON text."""
        tuples = ("added", "changed", "removed", "warnings", "notes")
        quality = raw.get("quality")
        return cls(
            **{
                **raw,
                "status": BuildStatus(raw["status"]),
                "quality": None if quality is None else _quality_from_json(quality),
                **{name: tuple(raw.get(name, ())) for name in tuples},
            }
        )


def _quality_from_json(raw: dict[str, Any]) -> QualityReport:
    tuples = ("worse", "better", "gone")
    return QualityReport(**{**raw, **{name: tuple(raw[name]) for name in tuples}})
