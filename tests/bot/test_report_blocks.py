"""report_blocks: what a rebuild did is all there, and stays under Slack's limits."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.durations import duration, time_taken
from bot.message import Message
from bot.report_blocks import bar, failure_message, lines_message, progress_message, report_message
from bot.simulator.blocks import check_blocks
from core.guards import FORCE
from core.report import BuildReport, BuildStatus, Phase, Progress, QualityReport

REPORT = BuildReport(
    status=BuildStatus.PUBLISHED,
    generation="00000042",
    source="kb",
    articles=1_500,
    chunks=9_000,
    embeddings_computed=3_210,
    embeddings_reused=5_790,
    added=("billing/new",),
    changed=("a", "b"),
    removed=("old",),
    warnings=("odd.md:3: no title",),
    skipped=1,
    seconds={"reading": 0.4, "embedding": 61.0},
    bytes_on_disk=25_000_000,
    quality=QualityReport(40, 38, 39, worse=("how <!here>?",), better=("b?",), gone=("c?",)),
    notes=("Published by force: <!channel> half is gone.",),
    file_bytes={"vectors.npy": 14_000_000, "hnsw.bin": 9_000_000},
    cache_bytes=30_000_000,
)


def shown(message: Message) -> str:
    """Check the blocks against Slack's rules and give all their words."""
    blocks = check_blocks(list(message.blocks))
    assert len(json.dumps(message.blocks)) <= 13_200
    assert 0 < len(message.text) <= 4_000
    return json.dumps(blocks, ensure_ascii=False)


@pytest.mark.parametrize(
    "holds",
    [
        "Generation 00000042 is live.",
        "1,500 (1 added, 2 changed, 1 removed, 1 skipped)",
        "9,000",
        "3,210 computed, 5,790 reused",
        "61.4 s",
        "25.0 MB",
        "30.0 MB",
        "38 of 40 test questions find their article (95%, before 39)",
        "*Found no longer: 1*\\n• `how &lt;!here&gt;?`",
        "*Found now: 1*\\n• `b?`",
        "*Not counted, their articles are gone: 1*\\n• `c?`",
        "• Published by force: &lt;!channel&gt; half is gone.",
        "*Added: 1*\\n• `billing/new`",
        "*Changed: 2*\\n• `a`\\n• `b`",
        "*Removed: 1*\\n• `old`",
        "*Skipped or repaired: 1*\\n• `odd.md:3: no title`",
        "reading 0.4 s · embedding 61.0 s",
        "`vectors.npy` 14.0 MB · `hnsw.bin` 9.0 MB",
    ],
)
def test_a_report_tells_everything(holds: str) -> None:
    message = report_message(REPORT)
    assert holds in shown(message)
    assert holds.replace("\\n", "\n").split("\n")[0] in message.text


def test_a_report_of_a_big_rebuild_names_a_few_of_each() -> None:
    many = tuple(f"area/article-{n}.md" for n in range(500))
    report = replace(
        REPORT,
        added=many,
        changed=many,
        removed=many,
        warnings=("x.md:3: <!here> " + "y" * 5_000,) * 40,
        quality=QualityReport(900, 800, 900, worse=many, better=many, gone=many),
        notes=("note " * 500,) * 40,
    )
    words = shown(report_message(report))
    assert "*Added: 500*" in words
    assert "and 492 more" in words
    assert "<!" not in words


@pytest.mark.parametrize("filler", ["<&>", "ü", "`x` ", "<!channel> "])
def test_whatever_the_names_are_it_fits_and_says_what_is_missing(filler: str) -> None:
    many = (filler * 400,) * 50
    quality = QualityReport(9, 1, 5, worse=many, better=many, gone=many)
    report = replace(REPORT, added=many, changed=many, warnings=many, notes=many, quality=quality)
    report = replace(report, file_bytes=dict.fromkeys(map(str, range(900)), 1))
    message = report_message(report)
    assert "The rest did not fit in here; `.build.state.json` in the index" in shown(message)
    assert "Generation 00000042 is live." in shown(message)


def test_a_report_without_changes() -> None:
    report = BuildReport(BuildStatus.UNCHANGED, "00000002", "kb", 1, 1, 0, 1)
    assert "generation 00000002 stays live" in shown(report_message(report))


def test_progress_ticks_off_the_phases() -> None:
    message = progress_message(Progress(Phase.EMBEDDING, 1_240, 3_000, 130.0))
    (lines,) = [b["text"]["text"] for b in message.blocks if b["type"] == "section"]
    phases = list(Phase)
    now = phases.index(Phase.EMBEDDING)
    assert lines.splitlines() == [
        *(f"✓  {phase.value}" for phase in phases[:now]),
        "▸  *embedding*  1,240 of 3,000, about 2 min left",
        "`████████░░░░░░░░░░░░ 41 %`",
        *(f"○  {phase.value}" for phase in phases[now + 1 :]),
    ]
    shown(message)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("counts", [(0, 0), (0, 5), (5, 5), (7, 5)])
def test_any_progress_can_be_shown(phase: Phase, counts: tuple[int, int]) -> None:
    words = shown(progress_message(Progress(phase, *counts, seconds_left=0.0)))
    assert f"▸  *{phase.value}*" in words
    assert "about" not in words
    shown(progress_message(None))


@pytest.mark.parametrize(
    ("done", "total", "drawn"),
    [(0, 9, "░" * 20 + " 0 %"), (9, 9, "█" * 20 + " 100 %"), (20, 9, "█" * 20 + " 100 %")],
)
def test_the_bar_stays_in_its_frame(done: int, total: int, drawn: str) -> None:
    assert bar(done, total) == drawn


@pytest.mark.parametrize("name", ["a rather long name", "ü" * 30, "😀\\" * 20, "<&>" * 9])
def test_a_long_refusal_is_cut_and_can_still_be_forced(name: str) -> None:
    lost = "\n".join(f"• article <{n}> with {name}" for n in range(900))
    message = failure_message(f"Only 2 are left:\n{lost}\n{FORCE}", "00000002")
    words = shown(message)
    assert "`/clockify-rebuild force` publishes it nevertheless" in words
    assert "still in use" in words
    assert FORCE not in words


def test_empty_paragraphs_are_left_out() -> None:
    assert lines_message("a", "", "b").text == "a\n\nb"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "120 min"),
        (7_200, "2 h"),
        (1e6, "12 days"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_measured_time_is_exact_while_it_is_short() -> None:
    assert (time_taken(0.04), time_taken(61.44), time_taken(663.8)) == ("0.0 s", "61.4 s", "11 min")
