"""Time spans in words."""

from __future__ import annotations


def time_taken(seconds: float) -> str:
    """Say a time span that was measured.

    >>> time_taken(61.44), time_taken(663.8)
    ('61.4 s', '11 min')
    """
    return f"{seconds:.1f} s" if seconds < 120 else duration(seconds)


def duration(seconds: float) -> str:
    """Say a time span in one unit, as people do.

    >>> duration(41.2), duration(600), duration(7300), duration(200000)
    ('41 s', '10 min', '2 h', '2 days')
    """
    for unit, size, least in (("days", 86_400, 172_800), ("h", 3_600, 7_200), ("min", 60, 120)):
        if seconds >= least:
            return f"{round(seconds / size)} {unit}"
    return f"{max(1, round(seconds))} s"
