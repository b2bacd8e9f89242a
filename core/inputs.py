"""What a build is made of, as it was read: articles, questions, and the digest of it all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .articles import Knowledge, Limits, SourceFile, read_knowledge
from .errors import KnowledgeError
from .injection import addresses_model
from .phases import Advance
from .protocols import EmbedderSpec
from .quality_questions import QualityQuestion, find_questions, read_questions
from .recipe import inputs_digest
from .types import Article, KnowledgeWarning


@dataclass(frozen=True, slots=True)
class Inputs:
    """One reading of the knowledge."""

    path: Path  # as it was given
    articles: tuple[Article, ...]
    files: tuple[SourceFile, ...]
    questions: tuple[QualityQuestion, ...] | None  # None: there is no file of them
    warnings: tuple[str, ...]  # "file:line: reason"
    skipped: int  # files and articles
    digest: str  # of all that decides the content of a generation

    @property
    def source(self) -> str:
        """Name the knowledge so that two builds of the same one are known as such."""
        return str(self.path.resolve())

    @property
    def bytes(self) -> int:
        """Count the bytes of all article bodies."""
        return sum(len(article.body.encode()) for article in self.articles)

    @property
    def article_digests(self) -> dict[str, str]:
        """Give the digest of each article by its id."""
        return {article.id: article.digest for article in self.articles}


def read_inputs(
    path: Path,
    *,
    limits: Limits,
    named_questions: Path | None,
    spec: EmbedderSpec | None,
    on_file: Advance,
) -> Inputs:
    """Read knowledge and questions.

    Raises KnowledgeError, also for knowledge without an article, and SettingsError.
    """
    knowledge = read_knowledge(path, limits=limits, on_file=on_file)
    if not knowledge.articles:
        raise KnowledgeError(_nothing_found(path, knowledge))
    file = find_questions(path, named_questions)
    questions, complaints = read_questions(file) if file is not None else (None, ())
    warnings = (*knowledge.warnings, *_lint(knowledge.articles))
    return Inputs(
        path=path,
        articles=knowledge.articles,
        files=knowledge.files,
        questions=questions,
        warnings=(*map(str, warnings), *complaints),
        skipped=sum(warning.skipped for warning in warnings),
        digest=inputs_digest(knowledge.articles, spec),
    )


def _lint(articles: Sequence[Article]) -> Iterator[KnowledgeWarning]:
    """Name the articles that speak to a language model: they are searched, but not quoted there."""
    for article in articles:
        for line in article.body.split("\n"):
            if addresses_model(line):
                reason = f'"{article.title[:80]}" gives orders to a language model; never quoted'
                yield KnowledgeWarning(
                    article.source, None, f"{reason}: {line.strip()[:80]}", False
                )
                break


def _nothing_found(path: Path, knowledge: Knowledge) -> str:
    reasons = "; ".join(str(warning) for warning in knowledge.warnings[:3])
    return (
        f"{path} holds no article; nothing is published{f' ({reasons})' if reasons else ''}. "
        "Give a folder of Markdown files or one merged file (see README, Your own knowledge)."
    )
