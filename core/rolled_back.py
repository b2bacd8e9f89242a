"""Which inputs were rolled back from, durably: they are not published again unless forced.

ROLLED_BACK in the index folder: JSON {"rolled_back": {inputs: number}, "self": hash of the rest}.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from . import disk

RECORD_NAME = "ROLLED_BACK"
MOST = 100  # inputs that are remembered; the oldest are forgotten first
MOST_BYTES = 1 << 20

RolledBackInputs = dict[str, str]  # inputs → number of the generation that was rolled back from


def read_rolled_back(folder: Path) -> RolledBackInputs | None:
    """Read the record; empty before the first rollback, None when it is not what was written.

    Raises OSError when nobody can say what was written.
    """
    try:
        with disk.opened_regular(folder / RECORD_NAME) as (file, size):
            raw = json.loads(disk.read_exactly(file, min(size, MOST_BYTES)))
        inputs: RolledBackInputs = raw["rolled_back"]
        return inputs if raw["self"] == _digest(inputs) else None
    except FileNotFoundError:
        return {}
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EISDIR, errno.ELOOP):  # something else lies there
            return None
        raise
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def write_rolled_back(folder: Path, inputs: Mapping[str, str]) -> None:
    """Replace the record; raises OSError."""
    kept = dict(list(inputs.items())[-MOST:])
    raw = {"rolled_back": kept, "self": _digest(kept)}
    path = folder / RECORD_NAME
    if not path.is_file():
        disk.delete(path)
    disk.replace_file(path, json.dumps(raw, indent=1).encode())


def _digest(inputs: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
