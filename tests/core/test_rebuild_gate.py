"""The quality gate in a rebuild: what is asked, compared, refused, forced and recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import RebuildRefused, SettingsError
from core.rebuild import rebuild
from core.report import BuildReport, BuildStatus, Phase, Progress, QualityReport
from core.store import Store

from .fakes import ARTICLES, HashingEmbedder, request, write_knowledge

QUESTIONS = {
    "How do I lock timesheets?": "lock-timesheets",
    "start the timer to track time": "track-time",
    "create an invoice from billable hours": "invoices",
    "export a report as a spreadsheet": "reports",
    "clock in at a kiosk with a code": "kiosk",
}
OTHER = {  # articles that crowd the first five of two questions
    f"noise-{n}": f"# Kiosk code {n}\n\nClock in at a kiosk with a code. Start the timer to track "
    f"time: number {n}.\n"
    for n in range(8)
}


def ask(folder: Path, questions: dict[str, str]) -> Path:
    rows = [
        json.dumps({"query": query, "urls": [f"https://docs.example/help/{page}"]})
        for query, page in questions.items()
    ]
    path = folder / "questions.jsonl"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def knowledge(tmp_path: Path) -> Path:
    folder = write_knowledge(tmp_path / "kb")
    ask(folder, QUESTIONS)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "index")


def recorded(store: Store) -> dict[str, Any]:
    meta = store.meta()
    assert meta is not None
    quality: dict[str, Any] = meta["quality"]
    return quality


def crowd_out(knowledge: Path) -> None:
    """Make two questions lose their articles."""
    texts = {name: text for name, text in ARTICLES.items() if name not in ("kiosk", "track-time")}
    hollow = {"kiosk": "# Tablet\n\nShared.\n", "track-time": "# Work\n\nHours that have passed.\n"}
    write_knowledge(knowledge, {**texts, **hollow, **OTHER})


async def test_the_first_build_is_measured_and_recorded(knowledge: Path, store: Store) -> None:
    seen: list[Progress] = []
    report = await rebuild(request(knowledge, store.folder), seen.append)
    assert report.quality == QualityReport(questions=5, hits=5)
    assert recorded(store) == {"hits": 5, "questions": 5, "ranks": dict.fromkeys(QUESTIONS, 1)}
    asked = [(p.done, p.total) for p in seen if p.phase is Phase.EVALUATING]
    assert (asked[0], asked[-1]) == ((0, 5), (5, 5))
    assert asked == sorted(asked)
    assert len(asked) > 5  # a sign of life after each question
    assert list(report.seconds) == [phase.name.lower() for phase in Phase]
    assert BuildReport.from_json(json.loads(json.dumps(report.as_json()))) == report


async def test_each_question_is_embedded_once_for_both_generations(
    knowledge: Path, store: Store
) -> None:
    await rebuild(request(knowledge, store.folder))
    write_knowledge(knowledge, {**ARTICLES, **OTHER})
    embedder = HashingEmbedder()
    await rebuild(request(knowledge, store.folder, embedder=embedder))
    asked = [text for text in embedder.texts if text in QUESTIONS]
    assert sorted(asked) == sorted(QUESTIONS)


async def test_without_questions_there_is_no_verdict(knowledge: Path, store: Store) -> None:
    (knowledge / "questions.jsonl").unlink()
    report = await rebuild(request(knowledge, store.folder, quality_floor=1.0))
    assert report.quality is None
    meta = store.meta()
    assert meta is not None
    assert meta["quality"] is None


async def test_a_worse_candidate_is_refused_unless_forced(knowledge: Path, store: Store) -> None:
    await rebuild(request(knowledge, store.folder))
    before = store.current()
    crowd_out(knowledge)
    with pytest.raises(RebuildRefused) as refused:
        await rebuild(request(knowledge, store.folder))
    said = str(refused.value)
    assert said.startswith("Only 3 of 5 quality questions are found (60.0%), but 5 (100.0%)")
    assert '"start the timer to track time"; "clock in at a kiosk with a code"' in said
    assert said.endswith("(in Slack: /clockify-rebuild force).")
    assert (store.current(), store.numbers()) == (before, ["00000001"])

    report = await rebuild(request(knowledge, store.folder, force=True))
    assert report.quality is not None
    assert (report.quality.hits, report.quality.live_hits) == (3, 5)
    assert report.notes[0].startswith("Published by force: Only 3 of 5 quality questions")
    assert recorded(store)["hits"] == 3


async def test_other_questions_are_asked_of_the_live_one_as_well(
    knowledge: Path, store: Store
) -> None:
    (knowledge / "questions.jsonl").unlink()
    await rebuild(request(knowledge, store.folder))
    ask(knowledge, QUESTIONS)
    crowd_out(knowledge)
    with pytest.raises(RebuildRefused, match="Only 3 of 5 quality questions"):
        await rebuild(request(knowledge, store.folder))


async def test_what_was_recorded_serves_where_the_embedder_is_another(
    knowledge: Path, store: Store
) -> None:
    await rebuild(request(knowledge, store.folder))
    crowd_out(knowledge)
    ask(knowledge, {**QUESTIONS, "record a payment": "invoices"})
    other = HashingEmbedder(model="other", dimension=128)
    with pytest.raises(RebuildRefused, match=r"Only 4 of 6 quality questions are found .* but 6 "):
        await rebuild(request(knowledge, store.folder, embedder=other))


async def test_a_live_one_that_was_never_asked_is_not_compared(
    knowledge: Path, store: Store
) -> None:
    (knowledge / "questions.jsonl").unlink()
    await rebuild(request(knowledge, store.folder))
    ask(knowledge, QUESTIONS)
    crowd_out(knowledge)
    other = HashingEmbedder(model="other", dimension=128)
    report = await rebuild(request(knowledge, store.folder, embedder=other))
    assert report.quality is not None
    assert (report.quality.hits, report.quality.live_hits) == (3, None)


async def test_a_lexical_live_one_can_be_asked(knowledge: Path, store: Store) -> None:
    await rebuild(request(knowledge, store.folder, embedder=None))
    report = await rebuild(request(knowledge, store.folder))
    assert report.quality == QualityReport(questions=5, hits=5, live_hits=5)


async def test_the_floor(knowledge: Path, store: Store) -> None:
    crowd_out(knowledge)
    with pytest.raises(RebuildRefused, match=r"less than QUALITY_FLOOR=0\.8"):
        await rebuild(request(knowledge, store.folder, quality_floor=0.8))
    assert store.current() is None
    report = await rebuild(request(knowledge, store.folder, quality_floor=0.6))
    assert report.status is BuildStatus.PUBLISHED


async def test_a_file_elsewhere_and_bad_lines(
    knowledge: Path, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "asked").mkdir()
    named = ask(tmp_path / "asked", {"record a payment": "invoices", "gone?": "gone"})
    named.write_text(named.read_text() + "no JSON\n")
    report = await rebuild(request(knowledge, store.folder, quality_questions=named))
    assert report.quality == QualityReport(questions=1, hits=1, gone=("gone?",))
    (warning,) = report.warnings
    assert warning.startswith("questions.jsonl:3: ")
    assert report.skipped == 0
    missing = request(knowledge, store.folder, quality_questions=tmp_path / "nowhere.jsonl")
    with pytest.raises(SettingsError, match=r"QUALITY_QUESTIONS is .*nowhere\.jsonl"):
        await rebuild(missing)


async def test_edits_are_noticed_before_the_gate_refuses(knowledge: Path, store: Store) -> None:
    """Half an edit may look worse; the whole of it is judged."""
    await rebuild(request(knowledge, store.folder))
    crowd_out(knowledge)

    def finish(_: object) -> None:
        write_knowledge(knowledge, {**ARTICLES, "new": "# New\n\nAnother page.\n"})

    embedder = HashingEmbedder(on_embed=finish)
    report = await rebuild(request(knowledge, store.folder, embedder=embedder))
    assert (report.status, report.added) == (BuildStatus.PUBLISHED, ("new",))
    assert report.quality == QualityReport(questions=5, hits=5, live_hits=5)
