"""Every sentence about rebuilds that the bot says in Slack; arguments must be safe mrkdwn."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from core.build_record import BuildRecord
from core.report import Progress

from .durations import duration
from .markup import escape
from .texts import knowledge_of

REBUILD_HELP = (
    "`/clockify-rebuild` reads the articles again, for admins. What it understands:\n"
    "• `/clockify-rebuild`: rebuild the knowledge now\n"
    "• `/clockify-rebuild status`: what runs, how the last rebuild ended, what is live\n"
    "• `/clockify-rebuild cancel`: stop the rebuild that runs\n"
    "• `/clockify-rebuild rollback`: return to the generation before; "
    "`rollback 41` returns to that one\n"
    "• `/clockify-rebuild force`: rebuild and publish, even where a check would refuse\n"
    "• `/clockify-rebuild help`: this list"
)
REBUILD_UNKNOWN = "I do not know that subcommand, so I did nothing."
REBUILD_ONE_MOMENT = "One moment, please …"
REBUILD_STARTED = "Rebuilding the knowledge. I keep you posted in our direct message."
REBUILD_FORCED = (
    "Rebuilding the knowledge; it is published even where a check would refuse. "
    "I keep you posted in our direct message."
)
REBUILD_NO_DIRECT_MESSAGE = (
    "Rebuilding the knowledge. I cannot write you a direct message, so I tell you here when it "
    "has ended, if that is within half an hour; after that `/clockify-rebuild status` has it. "
    "It also says how far the rebuild is."
)
REBUILD_HEADER = "Rebuilding the knowledge"
REBUILD_HEADER_FORCED = "Rebuilding the knowledge (forced)"
REBUILD_HOW_TO_CANCEL = "`/clockify-rebuild cancel` stops it; what is embedded already is kept."
REBUILD_CUT = "The rest did not fit in here; `.build.state.json` in the index folder has all of it."
REPORT_PUBLISHED = "Rebuilt"
REPORT_UNCHANGED = "Nothing changed"
REPORT_REFUSED = "The rebuild was refused"
REPORT_FAILED = "The rebuild failed"
REBUILD_JUST_BEGUN = "It has just begun."
REBUILD_HOW_TO_FORCE = (
    "If that is what you want: `/clockify-rebuild force` publishes it nevertheless."
)
REBUILD_INTERRUPTED = (
    "*I was restarted before the rebuild ended.* Nothing was published; "
    "start `/clockify-rebuild` again."
)
REBUILD_RESTARTED = "I was restarted while this rebuild ran."
REBUILD_NONE_RUNS = "No rebuild runs."
REBUILD_NONE_KNOWN = "No rebuild is on record."
COMMAND_INTERRUPTED = (
    "I was restarted before this was done. `/clockify-rebuild status` says what is live."
)
ROLLBACK_NOT_DURABLE = "*Rolled back, but the disk did not confirm it.*"
REBUILD_NOT_DURABLE = "*Published, but the disk did not confirm it.*"
CANCEL_NOT_OURS = "I can cancel only what I started myself; stop that one where it runs."
CANCEL_TOO_LATE = "Too late: the rebuild had ended before I could stop it."
ENDED_UNCHANGED = "found nothing to change"
ENDED_FAILED = "failed"
ENDED_NOT_DURABLE = "published, but the disk did not confirm it,"
ENDED_CANCELLED = "was cancelled"
ROLLBACK_WHICH = (
    "`rollback` takes the number of a generation, for example `/clockify-rebuild rollback 41`, "
    "or nothing for the one before."
)
CHECK_FAILED = (
    "I could not check with Slack whether you may do that, so I did nothing. "
    "Please try again in a minute; if it stays so, the bot's log has the reason."
)
NOT_FOR_DEACTIVATED = "Deactivated accounts may not use `/clockify-rebuild`."
NOT_FOR_BOTS = "Bots may not use `/clockify-rebuild`."
NOT_FOR_STRANGERS = "Only members of this bot's own workspace may use `/clockify-rebuild`."
NOT_FOR_GUESTS = "Guests may not use `/clockify-rebuild`, even when they are named as admins."


def no_admins(user_id: str) -> str:
    """Tell how to name the first admin."""
    return (
        "Nobody may rebuild yet, because `ADMIN_USERS` is empty. "
        f"Set `ADMIN_USERS={user_id}` (your own user id) in the bot's `.env` and restart the bot."
    )


def not_an_admin(usergroup: str) -> str:
    """Tell who may instead; usergroup is an id or ""."""
    members = f" and the members of <!subteam^{usergroup}>" if usergroup else ""
    return (
        "Only the admins of this bot may rebuild its knowledge: "
        f"those that its setting `ADMIN_USERS` names{members}."
    )


def starter(user: str, record: BuildRecord | None = None) -> str:
    """Name who started a rebuild; the record is given when it runs in another process."""
    process = "" if record is None else f"process {record.pid} on {escape(record.host)}"
    if user:
        return f"<@{user}>" + (f" ({process})" if process else "")
    return f"the command line ({process})" if process else "the command line"


def rebuild_running(by: str, where: str) -> str:
    """Tell who is rebuilding, and how far it is."""
    return f"A rebuild is already running, started by {by}. {where}"


def rebuild_where(progress: Progress | None) -> str:
    """Tell how far a rebuild is, in a sentence."""
    return REBUILD_JUST_BEGUN if progress is None else f"Now: {step(progress)}."


def step(progress: Progress) -> str:
    """Name the phase with its counts and the time left."""
    counted = f" ({progress.done:,} of {progress.total:,})" if progress.total else ""
    left = progress.seconds_left
    remaining = f", about {duration(left)} left" if left else ""
    return f"{progress.phase.value}{counted}{remaining}"


def rebuild_cooldown(seconds: float) -> str:
    """Tell when the next rebuild may start."""
    return f"The last rebuild has only just ended. The next may start in {max(1, ceil(seconds))} s."


def rebuild_progress(progress: Progress | None) -> str:
    """Tell how far the rebuild is, where nothing is drawn."""
    return f"Rebuilding the knowledge. {rebuild_where(progress)}"


def is_live(generation: str) -> str:
    """Tell that the new generation is out."""
    return f"Generation {generation} is live."


def stays_live(generation: str) -> str:
    """Tell that there was nothing to publish."""
    return f"The articles are as before; generation {generation} stays live."


def rebuild_broke(reference: str) -> str:
    """Tell that the rebuild broke for a reason that only the log has."""
    return (
        "*The rebuild failed* for a reason that I did not expect. "
        f"The log has it under this reference: `{reference}`"
    )


def rebuild_cancelled(by: str) -> str:
    """Tell the starter who cancelled it."""
    return f"*Cancelled by <@{by}>.* Nothing was published."


def cancelled_too_late(by: str) -> str:
    """Tell that the new generation was out before the builder could be stopped."""
    return f"<@{by}> cancelled this rebuild, but it had already ended."


def chosen(live: str, answering: str, problem: str) -> str:
    """Tell that this bot cannot answer from what is live on disk; nothing when it can."""
    if not problem:
        return ""
    return (
        f"Generation {escape(live) or 'none'} is chosen, but generation {escape(answering)} "
        f"keeps answering here: {escape(problem)}"
    )


def generations_there(numbers: Sequence[str]) -> str:
    """List the generations that can be rolled back to."""
    listed = ", ".join(map(escape, numbers)) or "none"
    return f"*Whole generations:* {listed}."


def rebuild_runs(by: str, where: str) -> str:
    """Tell what `status` asks while a rebuild runs."""
    return f"*A rebuild is running*, started by {by}. {where}"


def ended_published(generation: str) -> str:
    """Say what came out of a rebuild."""
    return f"published generation {generation}"


def ended_interrupted(pid: int, host: str) -> str:
    """Say of a rebuild that its process went away without a word."""
    return f"was interrupted (process {pid} on {host} is gone); it began"


def rollback_failed(reason: str) -> str:
    """Tell why the generation stays."""
    return f"*Nothing was rolled back.* {reason}"


def you_cancelled(by: str) -> str:
    """Tell who asked that it is done; by names who had started it."""
    return f"Cancelled the rebuild that {by} had started. Nothing was published."


def still_in_use(generation: str) -> str:
    """Tell what answers come from after a rebuild that published nothing."""
    return f"The knowledge from before is still in use. {knowledge_of(generation)}"


def published_meanwhile(generation: str) -> str:
    """Tell, after a restart, that something new is live."""
    return f"Generation {generation} was published meanwhile and is live."


def rolled_back(after: str) -> str:
    """Tell which generation is live."""
    return f"*Generation {after} is live again.*"


def held_back(before: str) -> str:
    """Tell what will not come back by itself."""
    return (
        f"The knowledge of generation {before} is not "
        "published again unless you use `/clockify-rebuild force`."
    )


def rollback_blocked(by: str, where: str) -> str:
    """Tell that a rebuild is in the way."""
    return (
        f"I cannot roll back while a rebuild runs; this one was started by {by}. {where} "
        "Wait for it, or use `/clockify-rebuild cancel`."
    )


def live_generation(generation: str, age_seconds: float | None) -> str:
    """Tell what is live and how old it is."""
    if not generation:
        return "No knowledge is loaded yet."
    age = "" if age_seconds is None else f", made {duration(age_seconds)} ago"
    return f"*Live:* generation {generation}{age}."


def last_rebuild(by: str, how: str, age_seconds: float | None) -> str:
    """Tell who started the last rebuild, how it ended and when."""
    when = "" if age_seconds is None else f" {duration(age_seconds)} ago"
    return f"*The last rebuild*, started by {by}, {how}{when}."
