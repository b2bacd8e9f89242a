"""Who does what a claim says, and who is only named in it."""

from __future__ import annotations

import pytest

from core.roles import subjects_in


@pytest.mark.parametrize(
    ("claim", "roles"),
    [
        ("admins can do it.", {"admin"}),
        ("only the workspace owner can do it.", {"owner"}),
        ("owners and admins approve it.", {"owner", "admin"}),
        ("regular users cannot do it.", {"regular"}),
        ("the owner approves it.", {"owner"}),
        ("owner settings can be changed.", set()),
        ("the owner's card is charged.", set()),
        ("you can ask an admin.", set()),
        ("users can do it.", set()),
    ],
)
def test_subjects(claim: str, roles: set[str]) -> None:
    assert subjects_in(claim) == roles
