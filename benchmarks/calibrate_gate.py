"""Read the gate's coefficients off labelled questions.

    python -m benchmarks.calibrate_gate ../shared/data/eval/dev.jsonl \
        --knowledge ../shared/data/knowledge_helpcenter.md

Positive: answerable questions. Negative: unanswerable ones, and each answerable one with its own
articles taken out of what was found, at a lower weight because other articles may still answer it.
A list of everyday questions that no help center answers counts as unanswerable too.
Ridge-penalised logistic regression by Newton's method; five-fold cross-validation over questions
tells how many unanswerable ones would be refused at a given share of false refusals.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.questions import Row, parse
from core.assembly import open_pipeline
from core.evidence import Evidence, measure
from core.pipeline import Pipeline

READINGS = ("token_match", "coverage", "unknown_terms", "unknown_names")
LEXICAL_READINGS = ("coverage", "unknown_terms", "unknown_names")
REMOVED_WEIGHT, UNANSWERABLE_WEIGHT, OFF_TOPIC_WEIGHT = 0.3, 2.0, 1.0
RIDGE = 1.0
FOLDS, SHUFFLES = 5, 5

# Everyday questions, some of them in the words of time tracking.
OFF_TOPIC = (
    "what is the capital of Portugal",
    "will it snow in Oslo on Sunday",
    "how do I bake sourdough bread",
    "who painted the night watch",
    "how do I repair a flat bicycle tyre",
    "translate good evening into Italian",
    "what is the population of Canada",
    "how do I track a parcel from the post office",
    "tell me a joke about cats",
    "how do I lock my front door",
    "how do I reset my router",
    "which laptop should I buy for video editing",
    "how many calories are in a banana",
    "write a haiku about autumn",
    "how do I set an alarm on my microwave",
    "when does the pharmacy close",
    "how do I export photos from my camera",
    "what time is it in Tokyo",
    "how can I get rid of ants in the kitchen",
    "why do leaves turn red",
    "how do I invite guests to a wedding",
    "what is the exchange rate of the yen",
    "how do I delete my browser history",
    "can you book a table for two tonight",
    "how do I change a light bulb",
    "solve x squared minus four equals zero",
    "what should I cook for dinner",
    "how do I approve a mortgage",
    "who is the president of France",
    "how do I split the bill at a restaurant",
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One reading of the evidence with what it should mean."""

    id: str
    evidence: Evidence
    answerable: bool
    weight: float


async def read_examples(pipeline: Pipeline, rows: list[Row]) -> list[Example]:
    """Measure every question, and every answerable one without its articles."""
    examples = []
    for row in rows:
        found, _ = await pipeline._retrieve(pipeline.index, row["query"], ())
        evidence = await measure(pipeline.index, row["query"], found, pipeline._matcher)
        weight = 1.0 if row["answerable"] else UNANSWERABLE_WEIGHT
        examples.append(Example(row["id"], evidence, row["answerable"], weight))
        if row["answerable"]:
            own = {*row["relevant_urls"], *row.get("partial_urls", [])}
            others = tuple(hit for hit in found.hits if hit.chunk.url not in own)
            if others:
                without = replace(found, hits=others)
                evidence = await measure(pipeline.index, row["query"], without, pipeline._matcher)
                examples.append(Example(row["id"], evidence, False, REMOVED_WEIGHT))
    for number, text in enumerate(OFF_TOPIC):
        found, _ = await pipeline._retrieve(pipeline.index, text, ())
        if found.hits:
            evidence = await measure(pipeline.index, text, found, pipeline._matcher)
            examples.append(Example(f"off-topic-{number}", evidence, False, OFF_TOPIC_WEIGHT))
    return examples


def fit(features: Array, labels: Array, weights: Array) -> Array:
    """Give intercept and coefficients on the scale of the readings."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    design = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    penalty = np.diag([0.0] + [RIDGE] * features.shape[1])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weights * (labels - p)) - penalty @ beta
        hessian = (design.T * (weights * p * (1 - p))) @ design + penalty
        beta += np.linalg.solve(hessian, gradient)
    slopes = beta[1:] / spread
    return np.concatenate([[beta[0] - slopes @ mean], slopes])


def cross_validated(ids: list[str], x: Array, y: Array, w: Array) -> Array:
    """Give out-of-fold strengths, averaged over shuffles; folds never split a question."""
    unique = np.array(sorted(set(ids)))
    out = np.zeros(len(ids))
    for shuffle in range(SHUFFLES):
        order = np.random.default_rng(shuffle).permutation(unique)
        fold = {question: place % FOLDS for place, question in enumerate(order)}
        folds = np.array([fold[question] for question in ids])
        for number in range(FOLDS):
            test = folds == number
            beta = fit(x[~test], y[~test], w[~test])
            out[test] += 1 / (1 + np.exp(-(beta[0] + x[test] @ beta[1:]))) / SHUFFLES
    return out


def report(examples: list[Example], readings: tuple[str, ...]) -> None:
    """Print the coefficients and what they promise on questions not seen."""
    x = np.array([[float(getattr(e.evidence, r) or 0.0) for r in readings] for e in examples])
    y = np.array([float(e.answerable) for e in examples])
    w = np.array([e.weight for e in examples])
    beta = fit(x, y, w)
    pairs = zip(("intercept", *readings), beta, strict=True)
    print("  " + ", ".join(f"{name}={value:.3f}" for name, value in pairs))
    for name, strengths in (
        ("cross-validated", cross_validated([e.id for e in examples], x, y, w)),
        ("on the same questions", 1 / (1 + np.exp(-(beta[0] + x @ beta[1:])))),
    ):
        yes, no = strengths[y == 1], strengths[w == UNANSWERABLE_WEIGHT]
        everyday = strengths[(w == OFF_TOPIC_WEIGHT) & (y == 0)]
        auc = np.mean(yes[:, None] > no[None, :])
        print(f"  {name}: AUC {auc:.3f}")
        for share in (0.05, 0.1, 0.15, 0.2, 0.25):
            threshold = float(np.quantile(yes, share))
            refused, other = np.mean(no < threshold), np.mean(everyday < threshold)
            print(
                f"    false refusals {share:.0%}: refused {refused:.0%} of the unanswerable, "
                f"{other:.0%} of the everyday ones, threshold {threshold:.3f}"
            )


async def main() -> None:
    """Measure and print both calibrations."""
    rows, config = parse(__doc__)
    async with open_pipeline(config) as assembled:
        examples = await read_examples(assembled.pipeline, rows)
    print("TOKEN_CALIBRATION")
    report(examples, READINGS)
    print("LEXICAL_CALIBRATION")
    report(examples, LEXICAL_READINGS)


if __name__ == "__main__":
    asyncio.run(main())
