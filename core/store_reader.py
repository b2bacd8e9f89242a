"""Which generation answers, and opening it: what the bot, the command line and builders read.

CURRENT names the live generation. When that one, or CURRENT, is damaged, the best whole generation
answers and the reader is told: older ones first, newest first, then newer ones, and last those
whose inputs were rolled back from. Nothing is written here; see core/store.py.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from . import disk, upkeep
from .errors import IndexUnusable, RebuildRefused
from .generation_files import (
    Damaged,
    Unjudged,
    check_generation,
    digest_of_meta,
    read_chunks,
    read_generation,
    read_meta,
)
from .index import Index
from .pins import Vanished
from .rolled_back import RECORD_NAME, RolledBackInputs, read_rolled_back
from .types import Chunk

logger = logging.getLogger(__name__)

_NUMBER = re.compile(r"\d{8,12}", re.ASCII)
_POINTER = re.compile(r"(\d{8,12}) ([0-9a-f]{64})", re.ASCII)  # what CURRENT says
POINTER_BYTES = 100

RETRIES = 20  # of a reader under whom generations come and go
RETRY_SECONDS = 0.05

Numbers = list[str]  # of generations, oldest first
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened:
    """An index and how it was come by; damaged names what was passed over."""

    index: Index
    meta: dict[str, Any]
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GenerationInfo:
    """One generation on disk; reason says why it cannot be used, "" when it is whole."""

    number: str
    is_live: bool  # CURRENT names it
    is_rolled_back: bool  # its inputs were rolled back from
    reason: str
    bytes_on_disk: int
    meta: dict[str, Any]  # as far as meta.json vouches for itself, else {}


class StoreReader:
    """The generations of one index folder, to read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._generations = folder / upkeep.GENERATIONS
        self._current = folder / "CURRENT"

    def current(self) -> str | None:
        """Give the text of CURRENT, which changes with every publication; None before the first."""
        try:
            with disk.opened_regular(self._current) as (file, size):
                return disk.read_exactly(file, min(size, POINTER_BYTES)).decode("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None

    def live(self) -> str:
        """Name the generation that CURRENT points at, whole or not; "" when it names none."""
        return self._pointer()[0]

    def numbers(self) -> Numbers:
        """List the generations, oldest first."""
        return numbers_in(self._generations)

    def open(self) -> Opened:
        """Open the live generation, or the best whole one; raises IndexUnusable."""

        def read(number: str) -> tuple[Index, dict[str, Any]]:
            return read_generation(self._generations / number, number)

        (index, meta), damaged = self._unraced(read)
        for reason in damaged:
            logger.error("%s: %s", self.folder, reason)
        return Opened(index, meta, damaged)

    def meta(self) -> dict[str, Any] | None:
        """Give the meta of the generation that open() gives, with "generation"; None for none."""

        def read(number: str) -> dict[str, Any]:
            return {**check_generation(self._generations / number), "generation": number}

        try:
            return self._unraced(read)[0]
        except IndexUnusable:
            return None

    def chunks(self) -> tuple[dict[str, Any], tuple[Chunk, ...]]:
        """Give meta and chunks of the live generation; ({}, ()) when they cannot be had."""
        try:
            return read_chunks(self._generations / self.live()) if self.live() else ({}, ())
        except (Damaged, Vanished):
            return {}, ()

    def list(self) -> tuple[GenerationInfo, ...]:
        """Give all generations, newest first, each read as a whole."""
        rolled_back, live = self._rolled_back(), self.live()
        found = []
        for number in reversed(self.numbers()):
            folder = self._generations / number
            size, meta, reason = upkeep.bytes_in(folder), self._meta_of(number), ""
            try:
                check_generation(folder)
            except (Damaged, Vanished) as error:
                if not folder.exists():
                    continue
                reason = str(error)
            is_rolled_back = number != live and meta.get("inputs") in rolled_back
            found.append(GenerationInfo(number, number == live, is_rolled_back, reason, size, meta))
        return tuple(found)

    def _pointer(self) -> tuple[str, str]:
        """Give number and hash from CURRENT, both "" when it has not this shape."""
        match = _POINTER.fullmatch(self.current() or "")
        return (match[1], match[2]) if match else ("", "")

    def _named(self) -> tuple[str, str]:
        """Give the generation to try first and what is wrong with CURRENT, either of them "".

        A number whose generation vouches for itself, but not with the hash of CURRENT, is not to
        be believed.
        """
        number, digest = self._pointer()
        if number:
            folder = self._generations / number
            if digest_of_meta(folder) == digest or not self._meta_of(number):
                return number, ""
            return "", f"CURRENT does not match generation {number}"
        if self._current.exists():
            return "", "CURRENT is damaged"
        return "", "CURRENT is missing" if self.numbers() else ""

    def _candidates(self, first: str) -> Iterator[str]:
        """Give generations in the order in which they should answer."""
        if first:
            yield first
        rolled_back = self._rolled_back()

        def rank(number: str) -> tuple[bool, bool, int]:
            is_rolled_back = self._meta_of(number).get("inputs") in rolled_back
            is_newer = bool(first) and int(number) > int(first)
            return is_rolled_back, is_newer, -int(number)

        yield from sorted((number for number in self.numbers() if number != first), key=rank)

    def _rolled_back(self) -> RolledBackInputs:
        """Give the record as far as it can be read; without it, answers go on."""
        try:
            return read_rolled_back(self.folder) or {}
        except OSError as error:
            logger.warning("%s in %s cannot be read: %s", RECORD_NAME, self.folder, error)
            return {}

    def _unraced(self, read: Callable[[str], T]) -> tuple[T, tuple[str, ...]]:
        """Read the first whole generation; starts over when they come and go meanwhile."""
        for _ in range(RETRIES):
            before = self._names()
            try:
                return self._first_whole(read, before, may_start_over=True)
            except Vanished:
                if self._names() == before:
                    time.sleep(RETRY_SECONDS)
        return self._first_whole(read, None, may_start_over=False)

    def _first_whole(
        self, read: Callable[[str], T], before: object, *, may_start_over: bool
    ) -> tuple[T, tuple[str, ...]]:
        first, problem = self._named()
        damaged = [problem] if problem else []
        for number in self._candidates(first):
            try:
                return read(number), tuple(damaged)
            except Vanished as error:
                if may_start_over:
                    raise
                damaged.append(f"generation {number}: {error}")
            except Damaged as error:
                is_gone = not (self._generations / number).exists()
                if may_start_over and is_gone and self._names() != before:
                    raise Vanished("it was removed") from error
                damaged.append(f"generation {number}: {error}")
        raise self._unusable(damaged)

    def _names(self) -> object:
        """Give what changes when a generation comes or goes."""
        return self.current(), self.numbers()

    def _meta_of(self, number: str) -> dict[str, Any]:
        """Give a generation's meta without a look at the other files; {} when it is not whole."""
        try:
            return read_meta(self._generations / number)
        except Damaged:
            return {}

    def _damage(self, number: str, *, surely: bool = False) -> str:
        """Say why a generation cannot be used; surely: only when it will never be again."""
        try:
            check_generation(self._generations / number)
        except (Unjudged, Vanished) as error:
            return "" if surely else str(error)
        except Damaged as error:
            return str(error)
        return ""

    def _wanted(self, number: str) -> str:
        """Give the generation that a person names, which must be whole."""
        there = f"There are: {', '.join(self.numbers())}."
        if not (number.strip().isascii() and number.strip().isdecimal()):
            raise RebuildRefused(f'"{number[:40]}" is not the number of a generation. {there}')
        wanted = f"{int(number.strip()[:40]):08d}"
        if wanted not in self.numbers():
            raise RebuildRefused(f"There is no generation {wanted}. {there}")
        if damage := self._damage(wanted):
            raise RebuildRefused(f"Generation {wanted} cannot be used: {damage}. {there}")
        return wanted

    def _one_before(self, live: str) -> str:
        """Give the newest whole generation that is older, of other inputs than the live one's.

        Nor of inputs that were rolled back from: who rolls back wants other knowledge.
        """
        unwanted = {*self._rolled_back(), self._meta_of(live).get("inputs")}
        for number in reversed(self.numbers()):
            is_older = not live or int(number) < int(live)
            is_wanted = is_older and self._meta_of(number).get("inputs") not in unwanted
            if is_wanted and not self._damage(number):
                return number
        before = f" before {live}" if live else ""
        raise RebuildRefused(
            f"There is no whole generation{before} to go back to; nothing is changed. "
            "Run: clockify-bot generations"
        )

    def _unusable(self, damaged: Sequence[str]) -> IndexUnusable:
        if damaged:
            return IndexUnusable(
                f"No whole generation in {self.folder} ({'; '.join(damaged)}). "
                "Run: clockify-bot build --force"
            )
        return IndexUnusable(f"There is no index in {self.folder}. Run: clockify-bot build")


def numbers_in(folder: Path) -> Numbers:
    """List the numbers that name entries of a folder, lowest first."""
    if not folder.is_dir():
        return []
    found = (entry.name for entry in folder.iterdir() if _NUMBER.fullmatch(entry.name))
    return sorted(found, key=int)
