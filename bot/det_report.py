"""DetReport → text for a terminal, or one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .det_check import Checked, DetReport, Run

SHOWN_DIGITS = 16  # of a SHA-256 on a terminal; JSON has them all
NOT_ASKED = "the model was not asked: the question was refused or noticed before"
SLOTS = (
    "Parallel slots of Ollama work out several answers in one batch, which rounds sums in another "
    "order, so that even SEED and temperature 0 do not repeat. OLLAMA_NUM_PARALLEL=1 on the "
    "server makes it answer one after the other."
)
ALONE = (
    "The same prompt got another answer: let nothing else use this Ollama meanwhile, set "
    "OLLAMA_NUM_PARALLEL=1 on the server, and ask one that has not just changed the model."
)
PROMPTS = (
    "What was sent differs already: look at RERANK, FOLLOW_UPS and the embedder, or whether the "
    "prompt was cut (the log tells)."
)
NOTHING = "Nothing is proved, for the model was not asked at all: give other questions (--prompts)."


def report_text(report: DetReport) -> str:
    """Give what a person reads: settings, hashes of each run, the verdict and what to do."""
    how = f"{report.parallel} at once" if report.parallel else "twice, one after the other"
    lines = [
        f"model           {report.model}",
        f"seed            {report.seed}",
        f"generation      {report.generation}",
        f"prompt version  {report.prompt_version or 'none'}",
        f"asked           {how}",
    ]
    for number, checked in enumerate(report.checked, start=1):
        lines += ["", f"{number}. {checked.query}", *(f"   {line}" for line in _lines(checked))]
    return "\n".join((*lines, "", verdict(report)))


def report_json(report: DetReport) -> dict[str, Any]:
    """Give the object that `chat --det-check --json` prints."""
    return {
        "model": report.model,
        "seed": report.seed,
        "generation": report.generation,
        "prompt_version": report.prompt_version,
        "parallel": report.parallel,
        "prompts": [
            {
                "query": checked.query,
                "asked_model": checked.asked_model,
                "is_same": checked.is_same,
                "differing": list(checked.differing),
                "distinct_answers": _distinct(checked),
                "runs": [
                    {"messages": run.messages, "draft": run.draft, "reply": run.reply}
                    for run in checked.runs
                ],
            }
            for checked in report.checked
        ],
        "asked": report.asked,
        "verdict": verdict(report),
        "exit_code": report.exit_code,
    }


def verdict(report: DetReport) -> str:
    """Say what came of it in a sentence or two."""
    total = len(report.checked)
    different = [checked for checked in report.checked if not checked.is_same]
    if different:
        said = f"DIFFERENT: {len(different)} of {total} questions got other answers."
        if any("messages" in checked.differing for checked in different):
            return f"{said} {PROMPTS}"
        return f"{said} {SLOTS if report.parallel else ALONE}"
    if not report.asked:
        return NOTHING
    return f"THE SAME: {report.asked} of {total} questions were asked of the model."


def _lines(checked: Checked) -> list[str]:
    if not checked.asked_model:
        return [NOT_ASKED]
    runs = [f"run {n}  {_hashes(run)}" for n, run in enumerate(checked.runs, start=1)]
    count = _distinct(checked)
    distinct = f"{count} distinct answer{'s' if count > 1 else ''} in {len(checked.runs)} runs"
    names = ", ".join(checked.differing)
    return [*runs, f"{distinct}; differing: {names}" if names else distinct]


def _hashes(run: Run) -> str:
    if not run.asked_model:
        return NOT_ASKED
    named = {"messages": run.messages, "draft": run.draft, "reply": run.reply}
    return "  ".join(f"{name} {digest[:SHOWN_DIGITS]}" for name, digest in named.items())


def _distinct(checked: Checked) -> int:
    return len({run.draft for run in checked.runs})
