"""Measure the grounding check: how many true claims stay, how many wrong ones go, by kind.

Then the same of headings and remarks, and of sentences drawn from two articles, in whole answers.

Run: python -m benchmarks.grounding [--set calibration|held-out|review] [--words] [--list]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.articles import Limits, read_knowledge
from core.chunking import ChunkSizes, split_article
from core.embedders.embedded import EmbeddedEmbedder
from core.grounding import Checker
from core.passages import MARKER
from core.support import Support
from core.types import Answer, Article, ChunkKind, Context, Draft, Snippet

KNOWLEDGE = Path(__file__).parents[1] / "knowledge"
CLAIMS = Path(__file__).with_name("grounding_claims.yaml")
FACTS = Path(__file__).with_name("grounding_facts.yaml")
ACTIONS = Path(__file__).with_name("grounding_actions.yaml")
PARAPHRASES = Path(__file__).with_name("grounding_paraphrases.yaml")
ASIDES = Path(__file__).with_name("grounding_asides.yaml")
JOINED = Path(__file__).with_name("grounding_joined.yaml")
TRUE = ("copy", "paraphrase")
FLIPS = (
    (r"\b(?:cannot|can't)\b", "can"),
    (r"\b(does|do|is|are)(?:n't| not)\b", r"\1"),
    (r"\bcan\b", "cannot"),
    (r"\b(is|are|was|were|must|may|will)\b", r"\1 not"),
)
COPIES = 6  # sentences of each article
FOREIGN = 5  # true claims of the other articles, for each article


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim over an article, and what is the matter with it."""

    article: str
    kind: str
    text: str


async def main() -> None:
    """Print what the check makes of each kind of claim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="", help="calibration, held-out or review; all by default")
    parser.add_argument("--words", action="store_true", help="without an embedder")
    parser.add_argument("--list", action="store_true", help="name each wrong verdict")
    options = parser.parse_args()
    embedder = EmbeddedEmbedder()
    articles = {article.source: article for article in _articles()}
    labelled = yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))
    labelled |= yaml.safe_load(FACTS.read_text(encoding="utf-8"))
    labelled |= yaml.safe_load(ACTIONS.read_text(encoding="utf-8"))
    labelled |= _with_flipped(yaml.safe_load(PARAPHRASES.read_text(encoding="utf-8")))
    for name in [options.set] if options.set else list(labelled):
        claims = list(_claims(labelled[name], articles))
        verdicts: dict[str, list[tuple[Claim, str]]] = defaultdict(list)
        seconds = over = 0.0
        for source, article in articles.items():
            context = _context(article, embedder=embedder)
            started = time.process_time()
            support = Support(context, None if options.words else embedder)
            for claim in (claim for claim in claims if claim.article == source):
                numbers = tuple(snippet.number for snippet in context.snippets)
                verdict = await support.verdict(claim.text, numbers)
                verdicts[claim.kind].append((claim, verdict.reason))
                over += len(numbers) / len(claims)
            seconds += time.process_time() - started
        _report(name, verdicts, is_listing=options.list)
        print(
            f"CPU          {1000 * seconds / len(claims):.0f} ms a claim, over {over:.1f} snippets"
        )
    for source, asides in yaml.safe_load(ASIDES.read_text(encoding="utf-8")).items():
        context = _context(articles[source], embedder=embedder)
        await _report_asides(context, asides, is_listing=options.list)
    await _report_joined(articles, embedder, is_listing=options.list)


async def _report_joined(
    articles: dict[str, Article], embedder: EmbeddedEmbedder, *, is_listing: bool
) -> None:
    """Cite all snippets of two articles for each sentence, and see which are answers."""
    print("== drawn from two articles")
    right: dict[str, list[bool]] = defaultdict(list)
    for row in yaml.safe_load(JOINED.read_text(encoding="utf-8")):
        context = _context(*(articles[source] for source in row["articles"]), embedder=embedder)
        cited = "".join(f"[{snippet.number}]" for snippet in context.snippets)
        for kind in ("honest", "wrong"):
            for claim in row[kind]:
                draft = Draft(f"{claim} {cited}", "benchmark")
                is_shown = isinstance(
                    await Checker(context, embedder=embedder).check(draft), Answer
                )
                right[kind].append(is_shown == (kind == "honest"))
                if is_listing and not right[kind][-1]:
                    print(f"    {claim} ({'kept' if is_shown else 'dropped'})")
    for kind, verdicts in right.items():
        print(f"{kind:<9} {sum(verdicts)}/{len(verdicts)} right")


async def _report_asides(context: Context, asides: dict[str, Any], *, is_listing: bool) -> None:
    """Put each heading above a true claim, each remark behind it, and see what is shown."""
    print("== beside claims")
    for what in ("headings", "remarks"):
        for kind, texts in asides[what].items():
            right = 0
            for text in texts:
                claim = f"{asides['claim']} [1]"
                draft = f"{text}\n\n{claim}" if what == "headings" else f"{claim} {text}"
                reply = await Checker(context).check(Draft(draft, "benchmark"))
                is_shown = isinstance(reply, Answer) and text in reply.text
                right += is_shown == (kind == "honest")
                if is_listing and is_shown != (kind == "honest"):
                    print(f"    {text} ({'kept' if is_shown else 'dropped'})")
            print(f"{what:<9} {kind:<8} {right}/{len(texts)} right")


def _report(name: str, verdicts: dict[str, list[tuple[Claim, str]]], *, is_listing: bool) -> None:
    print(f"== {name}")
    for kind, judged in sorted(verdicts.items(), key=lambda pair: (pair[0] not in TRUE, pair[0])):
        is_true = kind in TRUE
        right = [claim for claim, reason in judged if (not reason) == is_true]
        share = len(right) / len(judged)
        print(
            f"{kind:<12} {'kept' if is_true else 'dropped'} {len(right)}/{len(judged)} {share:.1%}"
        )
        for claim, reason in judged:
            if is_listing and claim not in right:
                print(f"    {claim.article}: {claim.text} ({reason or 'kept'})")
    for label, kinds in (
        ("true", TRUE),
        ("altered", ("number", "name", "negation", "action", "flipped")),
        ("wrong", tuple(kind for kind in verdicts if kind not in TRUE)),
    ):
        reasons = [reason for kind in kinds for _, reason in verdicts.get(kind, [])]
        as_hoped = sum((not reason) == (label == "true") for reason in reasons)
        print(f"all {label:<8} {as_hoped}/{len(reasons)} {as_hoped / max(len(reasons), 1):.1%}")


def _articles() -> Iterator[Article]:
    found = read_knowledge(KNOWLEDGE, limits=Limits())
    yield from found.articles


def _context(*articles: Article, embedder: EmbeddedEmbedder) -> Context:
    sizes = ChunkSizes(target=160, most=254)
    bodies = [
        chunk
        for article in articles
        for chunk in split_article(article, sizes=sizes, count_tokens=embedder.count_tokens)
        if chunk.kind is ChunkKind.BODY
    ]
    return Context(tuple(Snippet(n, chunk, chunk.text) for n, chunk in enumerate(bodies, 1)), 0)


def _claims(
    labelled: dict[str, dict[str, list[str]]], articles: dict[str, Article]
) -> Iterator[Claim]:
    chance = random.Random(4)
    for source, kinds in labelled.items():
        for kind, texts in kinds.items():
            yield from (Claim(source, kind, text) for text in texts)
        lines = [MARKER.sub("", line) for line in articles[source].body.split("\n")]
        sentences = [line for line in lines if len(line.split()) > 5 and line[0] not in "#|"]
        for text in chance.sample(sentences, min(COPIES, len(sentences))):
            yield Claim(source, "copy", text)
        others = [
            text
            for other, of_other in labelled.items()
            if other.split("/")[0] != source.split("/")[0]
            for text in of_other["paraphrase"]
        ]
        for text in chance.sample(others, FOREIGN):
            yield Claim(source, "foreign", text)


def _with_flipped(
    labelled: dict[str, dict[str, dict[str, list[str]]]],
) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Add to true claims what is left of them when the first "not" goes, or one comes."""
    return {
        name: {
            source: {**kinds, "flipped": list(filter(None, map(_flipped, kinds["paraphrase"])))}
            for source, kinds in articles.items()
        }
        for name, articles in labelled.items()
    }


def _flipped(claim: str) -> str:
    """Turn a claim round; "" where nothing says how."""
    for pattern, other in FLIPS:
        text, count = re.subn(pattern, other, claim, count=1)
        if count:
            return text
    return ""


if __name__ == "__main__":
    asyncio.run(main())
