"""What must hold after a build that the disk disturbed: the invariant of the proofs of errors.

- It ended by itself: no signal, no traceback; status 0, or 1 to 4 and one sentence with a hint.
- Status 0: the new knowledge is served. What was disturbed was not needed: the embedding cache, the
  state for display, the clearing away of what is old.
- Another status, before the commit point: the old knowledge is served, by the old generation.
- Another status, after it: the new knowledge is served, and the sentence names its generation.
- Whatever happened, nothing is passed over or put aside as damaged, the lock is free, the state
  does not say that a build runs, and the next build, without force, works and leaves no rubbish.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from core.build_state import BuildOutcome, read_state
from core.errors import BotError
from core.store import Store

from .builds import NEW, OLD, recovers, whole

Record = Callable[[str, object], None]

HINT = re.compile(r"\[hint: .+\]|\b(?:Set|Free|Check|Choose|Remove|Wait|Run:) .+")
OLD_GENERATION, NEW_GENERATION = "00000003", "00000004"  # before and after; see builds.prepare
BUILT, KEPT, LIVE = "built", "old kept", "failed, but new live"


def judge(index: Path, new: Path, status: int, told: str, *, is_heard: bool = True) -> str:
    """Check the invariant after a build of the new version into a prepared index; names the end.

    is_heard: what the build told on standard error could be written.
    """
    assert 0 <= status <= 4, (status, told)
    assert not is_heard or "Traceback" not in told, told
    store = Store(index)
    served, live = whole(store), store.live()
    assert (served, live) in ((OLD, OLD_GENERATION), (NEW, NEW_GENERATION)), (served, live)
    state = read_state(index)
    assert state is None or state.outcome is not BuildOutcome.RUNNING, state
    if status:
        assert not is_heard or HINT.search(told.splitlines()[-1]), told
    else:
        assert served == NEW, told
    if status and served == NEW:
        assert not is_heard or NEW_GENERATION in told, told
    recovers(index, new, NEW)
    assert not list(index.glob("quarantine/*")), "a whole generation was put aside"
    if served == OLD:
        return KEPT
    return LIVE if status else BUILT


def judged(where: object, judgement: Callable[[], str]) -> str:
    """Give the end, or what is wrong, so that one run names all that is."""
    try:
        return judgement()
    except (AssertionError, BotError, OSError) as error:
        return f"WRONG after {where}: {error!r}"


def report(record_property: Record, what: str, ends: Iterable[tuple[str, str]]) -> None:
    """Print and record how often each disturbance came to each end; fail on a wrong one."""
    counted = Counter(f"{disturbance}: {end}" for disturbance, end in ends)
    record_property(what, dict(sorted(counted.items())))
    print(f"\n{counted.total()} {what}:", *sorted(counted.items()), sep="\n  ")
    assert not [end for end in counted if "WRONG" in end]
