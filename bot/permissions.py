"""Who may do what: a user id and the settings in, a yes or no out; in doubt it is no."""

from __future__ import annotations

from collections.abc import Collection


def may_rebuild(user_id: str, admins: Collection[str]) -> bool:
    """Tell whether a user may rebuild the knowledge; an empty list of admins means nobody."""
    return bool(user_id) and user_id in admins
