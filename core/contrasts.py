"""Words that exclude each other: who says "before" has no support in "after".

Takes folded words.
"""

from __future__ import annotations

# Words of one row exclude each other.
CONTRASTS = tuple(
    tuple(frozenset(member.split("/")) for member in row.split())
    for row in (
        "daily weekly monthly/month's yearly/annually quarterly hourly",
        "before after",
        "minimum/least maximum/most",
        "enable/activate/on/enabled/activated disable/deactivate/off/disabled/deactivated",
        "left right",
        "top/upper bottom/lower",
        "include/includes/included/including exclude/excludes/excluded/excluding",
        "required/mandatory/must optional/optionally",
        "public private",
        "free paid",
        "increase/increases/raise decrease/decreases/reduce",
        "allow/allows/allowed/permit prevent/prevents/prevented/block/blocks/blocked/forbid",
        "first last",
        "automatically/automatic manually/manual/hand",
        "lock/locked/locks unlock/unlocked/unlocks/lift/lifts/lifted",
        "archive/archived/archives restore/restored/unarchive",
        "import/imports/imported export/exports/exported",
        "billable non-billable/nonbillable",
        "approve/approved/approves reject/rejected/rejects",
        "permanently/forever temporarily",
        "above below",
        "start/starts/begin/begins end/ends",
        "online offline",
        "past/previous/earlier future",
        "active inactive",
        "more fewer/less",
        "same different/differ/differs/difference/differing",
        "add/adds/added remove/removes/removed/delete/deletes/deleted",
        "once twice",
        "noon/midday midnight",
    )
)


def is_on_both_sides(said: frozenset[str], held: frozenset[str]) -> bool:
    """Tell whether there are a word of what is said, and its opposite too."""
    rows = (row for row in CONTRASTS if any(member & said for member in row))
    return any(sum(bool(member & held) for member in row) > 1 for row in rows)


def is_on_other_side(said: frozenset[str], held: frozenset[str]) -> bool:
    """Tell whether there is only the opposite of a word of what is said."""
    for row in CONTRASTS:
        in_claim = {member for member in row if member & said}
        in_passage = {member for member in row if member & held}
        if in_claim and in_passage and not in_claim & in_passage:
            return True
    return False
