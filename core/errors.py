"""Everything that can go wrong in core, in one tree.

BotError
├── SettingsError          a setting has a bad value                                        exit 2
├── KnowledgeError         the knowledge cannot be read at all                              exit 2
├── IndexUnusable          no generation, or none that verifies                             exit 3
│   └── EmbedderMismatch   the question's embedder is not the generation's
├── ModelUnavailable       an embedder or a generator is missing, damaged or unreachable    exit 4
│   ├── ModelMissing       Ollama answers but does not have the model
│   ├── ModelTimeout       Ollama did not answer in time
│   ├── ModelPaused        it failed so often that it is left alone for some seconds
│   └── TextRejected       one text cannot be embedded; the others can
├── RebuildRefused         a guard stopped the rebuild; the old generation stays            exit 1
├── DurabilityUnknown      published, but the disk did not confirm it                       exit 1
└── LockTimeout            another builder holds the lock                                   exit 1

Every message says what, where and what to do; entry points print it without a traceback.
"""

from __future__ import annotations


class BotError(Exception):
    """Base of all errors a person can do something about; str() is the sentence to show."""

    exit_code = 1


class SettingsError(BotError):
    """Raised by Config.from_env and the entry points; names the setting and its value."""

    exit_code = 2


class KnowledgeError(BotError):
    """Raised when the knowledge path is missing, unreadable or holds no article."""

    exit_code = 2


class IndexUnusable(BotError):
    """Raised when there is no generation to answer from; build one."""

    exit_code = 3


class EmbedderMismatch(IndexUnusable):
    """Raised when the configured embedder differs from the one that made the generation."""


class ModelUnavailable(BotError):
    """Raised by embedders and answerers whose model cannot be used now."""

    exit_code = 4


class ModelMissing(ModelUnavailable):
    """Raised when Ollama does not have the model; `ollama pull` it."""


class ModelTimeout(ModelUnavailable):
    """Raised when a connect or read time-out passed; the message names the variable to change."""


class ModelPaused(ModelUnavailable):
    """Raised without asking while the circuit breaker is open; the message has the last failure."""


class TextRejected(ModelUnavailable):
    """Raised by embedders for one text that cannot be embedded; index is its place among them."""

    def __init__(self, message: str, *, index: int) -> None:
        super().__init__(message)
        self.index = index


class RebuildRefused(BotError):
    """Raised by a guard before publishing; nothing changed."""


class DurabilityUnknown(BotError):
    """Raised after publishing when the last sync failed: live now, uncertain after a power cut."""


class LockTimeout(BotError):
    """Raised when another builder kept the lock for longer than we were willing to wait."""
