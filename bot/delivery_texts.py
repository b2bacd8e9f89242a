"""What the bot says about its own work while somebody waits; plain text unless it says mrkdwn."""

from __future__ import annotations

SEARCHING_STATUS = "is searching the help articles…"
NEXT_STATUS = "is about to start with your question…"


def waiting_status(position: int) -> str:
    """Tell how many are served first; position 1 is next.

    >>> waiting_status(3)
    'has 2 questions before yours…'
    """
    if position <= 1:
        return NEXT_STATUS
    before = position - 1
    return f"has {before} question{'' if before == 1 else 's'} before yours…"


def searching(question: str) -> str:
    """Repeat a question that nobody else sees, so that several can be told apart; mrkdwn."""
    return f"Searching the help articles for “{question}” …"


def waiting(question: str, position: int) -> str:
    """Tell how long it may take; mrkdwn."""
    return f"Your question “{question}” waits: it is number {position} in line."
