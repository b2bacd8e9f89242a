"""What the Slack side needs of whatever builds: the seam between listeners and child processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core.build_state import BuildState
from core.report import BuildReport, Progress


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The generation that was live before, "" for none, and the one that is live now."""

    before: str
    after: str
    held_back: bool = False  # what before was built from is not published again unless forced
    problem: str = ""  # why this bot goes on answering from another generation than after


class Rebuilder(Protocol):
    """Builds the index in another process and makes the new generation live.

    Every method raises BotError, whose text may be shown; the old generation then stays live.
    Cancelling rebuild() ends the builder, before it publishes unless that is under way already.
    """

    async def rebuild(
        self,
        on_progress: Callable[[Progress], None],
        *,
        started_by: str = "",
        force: bool = False,
    ) -> BuildReport: ...

    async def rollback(self, number: str | None = None) -> RolledBack:
        """Make an earlier generation live: the one before, or the given one ("00000041", "41")."""
        ...

    def state(self) -> BuildState | None:
        """Give the newest build of the index, whoever started it."""
        ...

    def live(self) -> str:
        """Name the generation that is live on disk, "" for none; this bot may answer from another.

        Cheap enough for the event loop.
        """
        ...

    def generations(self) -> tuple[str, ...]:
        """List the whole generations on disk, newest first; reads each, so ask in a thread."""
        ...

    async def look(self) -> str:
        """Answer from what is live from now on; say why that cannot be, "" when it can."""
        ...
