"""The lines of /api/pull → progress; raises when the model has not come whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from .errors import ModelUnavailable

PULL_HINT = "[hint: check the name of the model, and that Ollama's machine can reach its registry]"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far one layer is, or (digest empty) what Ollama does besides; bytes."""

    status: str
    digest: str = ""
    total: int = 0
    completed: int = 0


async def progress_of(
    model: str,
    url: str,
    lines: AsyncIterator[Mapping[str, object]],
    *,
    shown: Callable[[str], str],
) -> AsyncGenerator[PullProgress, None]:
    """Yield what the lines say, the last one "success"; an error may come with HTTP 200.

    shown gives ": words" of the server, as far as a person may see them.
    """
    async for line in lines:
        if "error" in line:
            reason = shown(" ".join(str(line["error"]).split()))
            raise ModelUnavailable(f"Ollama at {url} cannot pull {model}{reason}. {PULL_HINT}")
        progress = PullProgress(
            status=str(line.get("status", "")),
            digest=str(line.get("digest", "")),
            total=_bytes(line.get("total")),
            completed=_bytes(line.get("completed")),
        )
        yield progress
        if progress.status == "success":
            return
    raise ModelUnavailable(
        f"Ollama at {url} stopped pulling {model} before it was done. [hint: pull it again: what "
        "has come is kept]"
    )


def _bytes(number: object) -> int:
    return number if isinstance(number, int) and number > 0 else 0
