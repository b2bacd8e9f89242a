"""Marks everything here as proof and gives it time."""

from __future__ import annotations

from pathlib import Path

import pytest

TIMEOUT_SECONDS = 900
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; the hook sees all tests."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.proof)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))
