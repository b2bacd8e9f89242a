"""A rebuild's progress or end in, Block Kit under Slack's limits out. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.guards import FORCE
from core.report import BuildReport, BuildStatus, Phase, Progress, QualityReport

from . import rebuild_texts
from .blocks import MAX_SECTION_CHARS, cut
from .draft import Draft
from .durations import duration, time_taken
from .markup import code, escape
from .message import Message

MAX_LISTED = 8  # ids, questions or warnings named
MAX_ENTRY_CHARS = 200
REASON_BUDGETS = (6_000, 3_000, 1_500)  # of a refusal with its list, tried until it fits
BAR_CELLS = 20
NOT_DURABLE = "is live now, but the disk did not confirm it"  # what core.store says then


def progress_message(progress: Progress | None, *, is_forced: bool = False) -> Message:
    """Show the phases, where the rebuild is, and how to stop it."""
    draft = Draft()
    draft.header(rebuild_texts.REBUILD_HEADER_FORCED if is_forced else rebuild_texts.REBUILD_HEADER)
    draft.say("\n".join(_phase_lines(progress)))
    draft.small(rebuild_texts.REBUILD_HOW_TO_CANCEL)
    message = draft.message()
    # Notifications and screen readers get the sentence, not the drawing.
    return Message(rebuild_texts.rebuild_progress(progress), message.blocks)


def _phase_lines(progress: Progress | None) -> Iterable[str]:
    phases = list(Phase)
    now = -1 if progress is None else phases.index(progress.phase)
    for place, phase in enumerate(phases):
        if place < now:
            yield f"✓  {phase.value}"
        elif progress is None or place > now:
            yield f"○  {phase.value}"
        else:
            yield f"▸  *{phase.value}*{_counts(progress)}"
            if progress.total:
                yield f"`{bar(progress.done, progress.total)}`"


def _counts(progress: Progress) -> str:
    if not progress.total:
        return ""
    left = progress.seconds_left
    remaining = f", about {duration(left)} left" if left else ""
    return f"  {progress.done:,} of {progress.total:,}{remaining}"


def bar(done: int, total: int) -> str:
    """Draw how much is done.

    >>> bar(1, 4)
    '█████░░░░░░░░░░░░░░░ 25 %'
    """
    share = min(1.0, max(0.0, done / total))
    full = int(share * BAR_CELLS)
    return f"{'█' * full}{'░' * (BAR_CELLS - full)} {int(share * 100)} %"


def report_message(report: BuildReport, *, remark: str = "") -> Message:
    """Show an admin what a rebuild did; remark is a sentence of its own above all."""
    draft = Draft()
    if report.status is BuildStatus.UNCHANGED:
        draft.header(rebuild_texts.REPORT_UNCHANGED)
        draft.say(remark)
        draft.say(rebuild_texts.stays_live(escape(report.generation)))
    else:
        draft.header(rebuild_texts.REPORT_PUBLISHED)
        draft.say(remark)
        draft.say(rebuild_texts.is_live(escape(report.generation)))
    _details(draft, report)
    return draft.message()


def earlier_report_message(head: Message, report: BuildReport) -> Message:
    """Show what an earlier rebuild did, below a head; something else may be live by now."""
    draft = Draft(list(head.blocks), [head.text])
    _details(draft, report)
    return draft.message()


def _details(draft: Draft, report: BuildReport) -> None:
    draft.table(_figures(report))
    if report.quality is not None:
        draft.say(_quality(report.quality))
    draft.say("\n".join(f"• {escape(note[:500])}" for note in report.notes[:MAX_LISTED]))
    draft.say(_listed("Added", report.added))
    draft.say(_listed("Changed", report.changed))
    draft.say(_listed("Removed", report.removed))
    draft.say(_listed("Skipped or repaired", report.warnings))
    draft.small(_seconds(report))
    draft.small(_files(report))


def _figures(report: BuildReport) -> Iterable[tuple[str, str]]:
    yield "Articles", _articles(report)
    yield "Chunks", f"{report.chunks:,}"
    yield (
        "Embeddings",
        f"{report.embeddings_computed:,} computed, {report.embeddings_reused:,} reused",
    )
    yield "Time", time_taken(sum(report.seconds.values())) if report.seconds else ""
    yield "Size", megabytes(report.bytes_on_disk) if report.bytes_on_disk else ""
    yield "Kept embeddings", megabytes(report.cache_bytes) if report.cache_bytes else ""


def _articles(report: BuildReport) -> str:
    changes = (
        ("added", len(report.added)),
        ("changed", len(report.changed)),
        ("removed", len(report.removed)),
        ("skipped", report.skipped),
    )
    told = ", ".join(f"{count:,} {name}" for name, count in changes if count)
    return f"{report.articles:,}" + (f" ({told})" if told else "")


def _quality(quality: QualityReport) -> str:
    before = "" if quality.live_hits is None else f", before {quality.live_hits:,}"
    head = (
        f"*Quality:* {quality.hits:,} of {quality.questions:,} test questions find their article "
        f"({quality.hit_rate:.0%}{before})"
    )
    lists = (
        _listed("Found no longer", quality.worse),
        _listed("Found now", quality.better),
        _listed("Not counted, their articles are gone", quality.gone),
    )
    return "\n".join(part for part in (head, *lists) if part)


def _seconds(report: BuildReport) -> str:
    phases = (f"{escape(name)} {seconds:.1f} s" for name, seconds in report.seconds.items())
    return "Time: " + " · ".join(phases) if report.seconds else ""


def _files(report: BuildReport) -> str:
    files = (f"{code(name)} {megabytes(size)}" for name, size in report.file_bytes.items())
    return "Files: " + " · ".join(files) if report.file_bytes else ""


def megabytes(size: int) -> str:
    """Say a size in megabytes.

    >>> megabytes(2_500_000), megabytes(1_000)
    ('2.5 MB', '0.1 MB')
    """
    return f"{max(0.1, size / 1e6):,.1f} MB"


def _listed(name: str, entries: Sequence[str]) -> str:
    if not entries:
        return ""
    more = len(entries) - MAX_LISTED
    lines = [f"• {code(entry[:MAX_ENTRY_CHARS])}" for entry in entries[:MAX_LISTED]]
    lines += [f"and {more:,} more"] if more > 0 else []
    return cut("\n".join((f"*{name}: {len(entries):,}*", *lines)), MAX_SECTION_CHARS)


def can_force(reason: str) -> bool:
    """Tell whether a guard said no that may be overruled; such a refusal says so at its end."""
    return FORCE in reason


def is_not_durable(error: str) -> bool:
    """Tell whether the error on record is that of a generation that is live all the same."""
    return NOT_DURABLE in error


def not_durable_message(error: str, *, remark: str = "") -> Message:
    """Show that something is live, but perhaps not after a power cut."""
    return lines_message(remark, rebuild_texts.REBUILD_NOT_DURABLE, told(error))


def failure_message(reason: str, generation: str, *, remark: str = "") -> Message:
    """Show why nothing was published; reason is plain text, of several lines where it lists."""
    draft = Draft()
    for limit in REASON_BUDGETS:
        draft = Draft()
        draft.header(
            rebuild_texts.REPORT_REFUSED if can_force(reason) else rebuild_texts.REPORT_FAILED
        )
        draft.say(remark)
        draft.say(rebuild_texts.still_in_use(escape(generation)))
        draft.say(told(reason, limit))
        draft.say(rebuild_texts.REBUILD_HOW_TO_FORCE if can_force(reason) else "")
        if draft.fits:
            break
    return draft.message()


def told(reason: str, limit: int = REASON_BUDGETS[-1]) -> str:
    """Make mrkdwn of an error, without what it says of the command line."""
    lines = reason.replace(FORCE, "").strip().splitlines()
    return cut("\n".join(map(escape, lines)), limit)


def lines_message(*paragraphs: str) -> Message:
    """Show sentences of texts.py, each a paragraph; empty ones are left out."""
    draft = Draft()
    for paragraph in paragraphs:
        draft.say(paragraph)
    return draft.message()
