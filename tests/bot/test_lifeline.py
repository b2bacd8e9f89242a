"""The lifeline in real processes: what the end of standard input does, before, while and after."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from .conftest import ROOT

BEGIN = """
import time
from bot.lifeline import Lifeline
lifeline = Lifeline(grace_seconds=0.3, publishing_seconds=2.0)
lifeline.hold()
def wait(seconds):
    print("waits", flush=True)
    time.sleep(seconds)
"""
CASES = {
    "interrupted-and-not-wanted": (
        "try: wait(9)\nexcept KeyboardInterrupt: print(lifeline.is_wanted())",
        "waits\nFalse\n",
        0,
    ),
    "left-to-finish-what-it-publishes": (
        "print(lifeline.is_wanted())\nwait(0.2)\nprint('published')",
        "True\nwaits\npublished\n",
        0,
    ),
    "left-to-finish-for-longer-than-to-clear-up": (
        "print(lifeline.is_wanted())\nwait(0.8)\nprint('published')",
        "True\nwaits\npublished\n",
        0,
    ),
    "ended-when-stuck-while-publishing": (
        "lifeline.is_wanted()\nwait(9)",
        "waits\n",
        130,
    ),
    "interrupted-where-it-goes-on": (
        "lifeline.is_wanted()\nwait(0.1)\ntry: lifeline.goes_on()\n"
        "except KeyboardInterrupt: print('interrupted')\nlifeline.goes_on()\nprint('once')",
        "waits\ninterrupted\nonce\n",
        0,
    ),
    "ended-when-stuck": (
        "while True:\n    try: wait(9)\n    except KeyboardInterrupt: pass",
        "waits\nwaits\n",
        130,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_end_of_standard_input(name: str) -> None:
    work, said, code = CASES[name]
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN + work],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        begun = ""
        while not begun.endswith("waits\n"):
            begun += process.stdout.readline()
        process.stdin.close()
        closed = time.monotonic()
        assert begun + process.stdout.read() == said
        assert process.wait(10) == code
    assert time.monotonic() - closed < 5
