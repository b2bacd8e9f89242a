"""Set up the real Ollama: `python -m tests.real_ollama` prints its folder, or why not (exit 1)."""

from __future__ import annotations

import sys
import time

from .install import set_up
from .place import SetUpError


def main() -> int:
    started = time.monotonic()
    try:
        folder = set_up(lambda words: print(words, file=sys.stderr))
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Ready in {time.monotonic() - started:.0f} s: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
