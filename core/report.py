"""What a build tells: progress while it runs, a report at its end. JSON in, JSON out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """The steps of a build, in order."""

    LOCKING = "waiting for the build lock"
    READING = "reading articles"
    CHUNKING = "splitting into chunks"
    EMBEDDING = "embedding"
    INDEXING = "indexing"
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

    def as_json(self) -> dict[str, Any]:
        """Give a value that json.dumps takes and from_json reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> BuildReport:
        """Read what as_json gave, also after a trip through JSON text."""
        tuples = ("added", "changed", "removed", "warnings")
        return cls(
            **{
                **raw,
                "status": BuildStatus(raw["status"]),
                **{name: tuple(raw[name]) for name in tuples},
            }
        )
