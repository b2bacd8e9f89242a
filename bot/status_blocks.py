"""What is known of the newest build in, the replies of `status` and after a restart out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from core.build_state import BuildOutcome, BuildState
from core.report import BuildStatus

from . import rebuild_texts, texts
from .markup import escape
from .message import Message
from .open_message import OpenMessage
from .report_blocks import (
    can_force,
    earlier_report_message,
    failure_message,
    is_not_durable,
    lines_message,
    not_durable_message,
    report_message,
    told,
)


def status_message(
    obstacle: tuple[str, str] | None,
    state: BuildState | None,
    generation: str,
    created: str,
    remarks: Iterable[str] = (),
) -> Message:
    """Say what runs or how the last rebuild ended, and what is live; created is ISO 8601 or ""."""
    live = (rebuild_texts.live_generation(escape(generation), age_seconds(created)), *remarks)
    if obstacle is not None:
        return lines_message(rebuild_texts.rebuild_runs(*obstacle), *live)
    if state is None:
        return lines_message(
            *live, rebuild_texts.REBUILD_NONE_RUNS, rebuild_texts.REBUILD_NONE_KNOWN
        )
    by = rebuild_texts.starter(state.started_by)
    ended = age_seconds(state.ended or state.record.since)
    last = rebuild_texts.last_rebuild(by, how_it_ended(state), ended)
    head = lines_message(*live, rebuild_texts.REBUILD_NONE_RUNS, last)
    match state.outcome:
        case BuildOutcome.DONE if state.report is not None:
            return earlier_report_message(head, state.report)
        case BuildOutcome.FAILED:
            how_to_force = rebuild_texts.REBUILD_HOW_TO_FORCE if can_force(state.error) else ""
            error = texts.quoted(told(state.error))
            return lines_message(*live, rebuild_texts.REBUILD_NONE_RUNS, last, error, how_to_force)
        case _:
            return head


def how_it_ended(state: BuildState) -> str:
    """Say how a build ended, as the end of a sentence that "ago" may follow."""
    match state.outcome:
        case BuildOutcome.DONE:
            report = state.report
            if report is not None and report.status is BuildStatus.UNCHANGED:
                return rebuild_texts.ENDED_UNCHANGED
            return rebuild_texts.ended_published(
                escape(report.generation) if report is not None else ""
            )
        case BuildOutcome.FAILED:
            is_live = is_not_durable(state.error)
            return rebuild_texts.ENDED_NOT_DURABLE if is_live else rebuild_texts.ENDED_FAILED
        case BuildOutcome.CANCELLED:
            return rebuild_texts.ENDED_CANCELLED
        case BuildOutcome.INTERRUPTED | BuildOutcome.RUNNING:
            return rebuild_texts.ended_interrupted(state.record.pid, escape(state.record.host))


def after_restart_message(left: OpenMessage, state: BuildState | None, generation: str) -> Message:
    """Say what became of a rebuild that the bot was killed in; generation is live now."""
    is_its_own = (
        state is not None
        and state.started_by == left.user
        and (moment(state.record.since) or datetime.max) >= (moment(left.since) or datetime.min)
    )
    if is_its_own and state is not None:
        match state.outcome:
            case BuildOutcome.DONE if state.report is not None:
                return report_message(state.report, remark=rebuild_texts.REBUILD_RESTARTED)
            case BuildOutcome.FAILED if is_not_durable(state.error):
                return not_durable_message(state.error, remark=rebuild_texts.REBUILD_RESTARTED)
            case BuildOutcome.FAILED:
                remark = rebuild_texts.REBUILD_RESTARTED
                return failure_message(state.error, generation, remark=remark)
            case BuildOutcome.RUNNING:
                by = rebuild_texts.starter(state.started_by, state.record)
                runs = rebuild_texts.rebuild_runs(by, rebuild_texts.rebuild_where(state.progress))
                return lines_message(rebuild_texts.REBUILD_RESTARTED, runs)
    if generation != left.generation:
        published = rebuild_texts.published_meanwhile(escape(generation))
        return lines_message(rebuild_texts.REBUILD_RESTARTED, published)
    return lines_message(
        rebuild_texts.REBUILD_INTERRUPTED, rebuild_texts.still_in_use(escape(generation))
    )


def moment(iso: str) -> datetime | None:
    """Read a time; None when it is none. Without a zone it is UTC."""
    try:
        read = datetime.fromisoformat(iso)
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def age_seconds(iso: str) -> float | None:
    """Give how long ago a time is; None when it is none, or to come."""
    then = moment(iso)
    seconds = -1.0 if then is None else (datetime.now(UTC) - then).total_seconds()
    return seconds if seconds >= 0 else None
