"""How long delivery waits for what; tests and the local Slack have a quicker pace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryPace:
    """All in seconds."""

    settle: float = 2.0  # what was sent and not confirmed may still arrive this long
    first_draft: float = 1.0  # an answer that is finished by then is one post
    append: float = 0.8  # between two additions to a stream
    edit: float = 3.0  # between two edits of a message
    preview: float = 2.0  # a draft that has to wait longer is not shown
    stop: float = 30.0  # for a stream to be ended
    stream: float = 270.0  # Slack ends streams after about 300, however much is added
    status: float = 90.0  # Slack takes a status away after 120
    status_call: float = 3.0
    goodbye: float = 0.5  # for a call that is under way when the work is broken off
    repeat: float = 1.0  # before a response_url that failed is tried again
    acknowledgement: float = 0.25  # until the answer to a command has overtaken nothing


REAL_PACE = DeliveryPace()
