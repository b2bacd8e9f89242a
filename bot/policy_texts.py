"""Why the bot does not answer somebody, or not there; sentences for the asker alone."""

from __future__ import annotations

CHANNEL_IS_OFF = (
    "I am switched off in this channel. Write to me in a direct message instead, or ask an admin "
    "of this bot, who can change it in my Home tab."
)
CHANNEL_IS_EXTERNAL = (
    "This channel is shared with another company, so I do not answer here. "
    "Write to me in a direct message instead; an admin of this bot can allow it in my Home tab."
)
NOT_FOR_GUESTS = (
    "I do not answer guests of this workspace. Please ask your contact here; "
    "the operator of this bot can allow it with the setting `ALLOW_GUESTS`."
)
NOT_FOR_STRANGERS = "I answer only members of my own workspace. Please ask your contact here."
NOT_FOR_DEACTIVATED = "I do not answer deactivated accounts."
