"""Where the real Ollama lies, whether it is complete, and why it cannot be here."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from pathlib import Path

VERSION = "0.9.3"
HERE = Path(__file__).parent
REQUIREMENTS, STUB = HERE / "requirements.txt", HERE / "stub.c"
LAYOUT = "2"  # raise it when what is installed changes and its sources do not
STAMP = "complete"


class SetUpError(Exception):
    """Raised when the real Ollama cannot be set up: what failed, why, and what to do."""


def home() -> Path:
    """Return the folder of this version; CLOCKIFY_TEST_CACHE names its parent."""
    cache = os.environ.get("CLOCKIFY_TEST_CACHE")
    parent = Path(cache) if cache else Path.home() / ".cache" / "clockify-bot-tests"
    return parent / f"ollama-{VERSION}"


def expected_stamp() -> str:
    """Return what the stamp of a complete set-up holds: another recipe, another stamp."""
    recipe = REQUIREMENTS.read_bytes() + STUB.read_bytes() + LAYOUT.encode()
    return hashlib.sha256(recipe).hexdigest()


def is_complete(folder: Path) -> bool:
    """Tell whether a set-up of this recipe was finished here; the stamp is written last."""
    try:
        return (folder / STAMP).read_text("utf-8") == expected_stamp()
    except OSError:
        return False


def why_not_here() -> str:
    """Return why this machine cannot have it, or nothing."""
    machine = platform.machine().lower()
    if not sys.platform.startswith("linux") or machine not in ("x86_64", "amd64"):
        return (
            f"The real Ollama {VERSION} comes as x86-64 Linux wheels and this is {machine} "
            f"{sys.platform}. Nothing to do: the scripted Ollama covers the tests here."
        )
    if compiler() is None:
        return (
            "The real Ollama needs a stub library of three functions, and there is no C compiler. "
            "Install gcc (apt-get install gcc) and run python -m tests.real_ollama again."
        )
    return ""


def compiler() -> str | None:
    return shutil.which("gcc") or shutil.which("cc")
