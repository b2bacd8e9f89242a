"""Generations on disk: publish, open, repair, roll back, prune.

    <index dir>/
      CURRENT                    "00000042 <sha256 of meta.json>": replacing this file is the commit
      ROLLED_BACK                inputs that were rolled back from, see core/rolled_back.py
      .build.lock.guard  .build.lock            see core/lock.py
      generations/00000042/      immutable once it has this name
          chunks.jsonl articles.jsonl lexical.npz lexical.json vectors.npy hnsw.bin
          meta.json          sizes and hashes of the others, and its own
      generations/.tmp-…  .trash-…              being built, being deleted
      quarantine/                the newest damaged generation, kept for inspection
      cache/                     finished embeddings, see core/embedding_cache.py

Publishing, with the build lock held:
  1. write and sync every file into .tmp, meta.json (sizes and SHA-256 of all others) last; sync it
  2. open it as a reader would, and have it checked
  3. assert that the lock is still held, rename .tmp to the next number, sync generations/
  4. replace CURRENT: the commit point; sync the index folder
An error before 4 removes what was written; a crash leaves rubbish, which repair() clears, or a
whole generation that nothing names, which adopt() takes up. Numbers only rise, and no clock is
asked.

Readers pin a generation while they read it (core/pins.py) and believe nothing that does not match
its checksum. One wrong file disqualifies its generation: then the older ones answer, newest first,
then newer ones, then those that were rolled back from, and the reader is told.
Assumptions: rename is atomic within a folder; fsync reaches the disk; only builders write here.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import disk, upkeep
from .errors import DurabilityUnknown, RebuildRefused
from .generation_files import (
    FORMAT,
    META,
    Damaged,
    digest_of_meta,
    read_generation,
    write_generation,
)
from .index import Index
from .lock import BuildLock
from .pins import Vanished, pinned
from .rolled_back import RECORD_NAME, read_rolled_back, write_rolled_back
from .store_reader import GenerationInfo, Opened, StoreReader, numbers_in

__all__ = ["FORMAT", "KEEP", "META", "GenerationInfo", "Opened", "Store"]

logger = logging.getLogger(__name__)

KEEP = 3  # generations: the live one and two to fall back to
ROOM = 2  # times the size of the newest generation that a build needs
FIRST_ROOM_BYTES = 32 * 2**20  # of the first one, of some 250 articles, with their embeddings
TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)  # of a name to rename to


class Store(StoreReader):
    """The generations of one index folder; whoever writes holds its build lock."""

    def is_durable(self) -> bool:
        """Say whether the disk confirmed what is live; if not, only another publication helps."""
        return not (self.folder / upkeep.NOT_DURABLE).exists()

    def check_room(self) -> None:
        """Make sure that a build can be written, before it starts; raises OSError."""
        upkeep.check_writable(self._generations)
        free, needed = shutil.disk_usage(self.folder).free, self.bytes_needed()
        if self.numbers() and free < needed:
            reason = f"{free // 10**6} MB are free, a build needs {-(-needed // 10**6)} MB"
            raise OSError(errno.ENOSPC, reason)

    def bytes_needed(self) -> int:
        """Say how much room a build needs, from the size of the newest generation."""
        newest = self.numbers()[-1:]
        return ROOM * upkeep.bytes_in(self._generations / newest[0]) if newest else FIRST_ROOM_BYTES

    def publish(
        self,
        index: Index,
        meta: dict[str, Any],
        *,
        lock: BuildLock,
        check: Callable[[Index], None] = lambda _: None,
    ) -> str:
        """Write a generation and make it live; gives its number.

        check gets the index as it was read back from disk, and raises RebuildRefused. Raises
        RebuildRefused also when it cannot be read back, LockTimeout, DurabilityUnknown, and
        OSError unchanged.
        """
        self._generations.mkdir(parents=True, exist_ok=True)
        written = self._generations / f"{upkeep.BUILDING}{os.getpid()}-{secrets.token_hex(4)}"
        written.mkdir()
        try:
            with pinned(written):  # so that nobody takes it for a leftover
                digest = write_generation(written, index, meta)
                check(read_generation(written, written.name, expected=digest)[0])
                lock.assert_held()
                written = self._claim(written)
            disk.sync_folder(self._generations)
            self._point_at(written.name, digest)
        except BaseException as error:
            # CURRENT may not even be readable then; what it names must stay.
            if not isinstance(error, DurabilityUnknown) and self.live() != written.name:
                upkeep.discard(written)
            if isinstance(error, Damaged | Vanished):
                raise RebuildRefused(
                    f"Written badly: {error}; nothing is published. "
                    f"[hint: free memory, and room under TMPDIR and {self.folder}; build again]"
                ) from error
            raise
        self._forgive(meta.get("inputs"))
        return written.name

    def adopt(self, inputs: str, *, lock: BuildLock) -> str | None:
        """Make a whole generation live that a crash left newer than the live one, if any.

        Gives its number. One with inputs that were rolled back from is not adopted, nor is one
        from before a generation that was: it had its time.
        """
        if self.rolled_back_from(inputs) is not None:
            return None
        earlier = (self.live() or "0", *(read_rolled_back(self.folder) or {}).values())
        for number in reversed(self.numbers()):
            if int(number) <= max(map(int, earlier)):
                break
            if self._meta_of(number).get("inputs") == inputs and not self._damage(number):
                self._switch_to(number, lock)
                return number
        return None

    def rolled_back_from(self, inputs: str) -> str | None:
        """Give the number of the generation with these inputs that was rolled back from."""
        return (read_rolled_back(self.folder) or {}).get(inputs)

    def rollback(self, number: str | None, *, lock: BuildLock) -> tuple[str, str]:
        """Make another generation live, by default the one before; gives numbers before and after.

        The inputs of the one left behind are recorded before CURRENT is replaced: in a crash
        between the two, repair() forgets the record; the other way round, the next build would
        publish them again. Going forward to a generation takes its inputs from the record. Raises
        RebuildRefused, DurabilityUnknown, IndexUnusable when there is no generation, and OSError.
        """
        before = self.live()
        if not self.numbers():
            raise self._unusable(())
        if number is None and before and not self.is_durable():
            after = before  # it is the last rollback that is done again
        else:
            after = self._wanted(number) if number is not None else self._one_before(before)
        if after == before and self.is_durable():
            raise RebuildRefused(f"Generation {after} is live already; nothing is changed.")
        rolled_back = read_rolled_back(self.folder) or {}
        if before and int(after) < int(before) and not self._damage(before):
            rolled_back[self._meta_of(before).get("inputs", "")] = before
        rolled_back.pop(self._meta_of(after).get("inputs", ""), None)
        lock.assert_held()
        if rolled_back != read_rolled_back(self.folder):
            write_rolled_back(self.folder, rolled_back)
        self._switch_to(after, lock)
        return before, after

    def repair(self, *, lock: BuildLock) -> tuple[str, ...]:
        """Clear what dead builders left, set damage aside, mend CURRENT; gives sentences.

        CURRENT is mended first, so that a build that fails afterwards leaves a whole index.
        """
        lock.assert_held()
        told = []
        if count := upkeep.clear_leftovers(self.folder):
            told.append(f"Cleared {count} leftovers of a build that did not finish.")
        damages = self._damages()
        told += self._mend_current(damages, lock)
        told += self._set_aside(damages)
        told += self._mend_record()
        return tuple(told)

    def prune(self, *, lock: BuildLock) -> tuple[str, ...]:
        """Delete all but the live generation and the two that would answer next.

        Gives what is deleted; what was rolled back from goes first.

        lock says that nobody publishes meanwhile. Damaged ones do not count: they are set aside.
        One that is being read stays for the next time, and so does one that the disk keeps.
        """
        damages = self._damages()
        first, _ = self._named()
        whole = [number for number in self._candidates(first) if number not in damages]
        for sentence in self._set_aside(damages):
            logger.warning("%s: %s", self.folder, sentence)
        removed = []
        for number in whole[KEEP:]:
            try:
                if upkeep.delete_generation(self.folder, number):
                    removed.append(number)
            except OSError as error:
                logger.warning("generation %s cannot be deleted: %s", number, error)
        return tuple(removed)

    def _claim(self, written: Path) -> Path:
        """Rename to the next number; a taken one fails, so no generation is ever overwritten.

        Numbers are not used again either, of generations that are gone or in quarantine.
        """
        used = (
            *self.numbers(),
            *numbers_in(self.folder / upkeep.QUARANTINE),
            *(read_rolled_back(self.folder) or {}).values(),
            self.live() or "0",
        )
        number = max(int(name) for name in used)
        while True:
            number += 1
            target = self._generations / f"{number:08d}"
            try:
                os.rename(written, target)
            except OSError as error:
                if error.errno not in TAKEN:
                    raise
            else:
                return target

    def _switch_to(self, number: str, lock: BuildLock) -> None:
        """Make an earlier written generation live; a crash may have come before its name's sync."""
        lock.assert_held()
        disk.sync_folder(self._generations)
        self._point_at(number, digest_of_meta(self._generations / number))

    def _point_at(self, number: str, digest: str) -> None:
        """Replace CURRENT; raises DurabilityUnknown when only the sync after that failed."""
        if not self._current.is_file():
            disk.delete(self._current)
            disk.sync_folders_above(self.folder)  # they may be new
        disk.put_in_place(self._current, f"{number} {digest}\n".encode("ascii"))
        try:
            disk.sync_folder(self.folder)
        except OSError as error:
            with suppress(OSError):
                (self.folder / upkeep.NOT_DURABLE).touch()
            raise DurabilityUnknown(
                f"Generation {number} is live now, but the disk did not confirm it "
                f"({error.strerror}): after a power cut the one before may be served. "
                f"Check the disk of {self.folder}, then do it again."
            ) from error
        with suppress(OSError):
            (self.folder / upkeep.NOT_DURABLE).unlink()

    def _forgive(self, inputs: str | None) -> None:
        """Take published inputs from the record; repair() does it when this fails."""
        rolled_back = read_rolled_back(self.folder) or {}
        if rolled_back.pop(inputs or "", None) is not None:
            try:
                write_rolled_back(self.folder, rolled_back)
            except OSError as error:
                logger.warning("%s in %s: %s", RECORD_NAME, self.folder, error)

    def _damages(self) -> dict[str, str]:
        """Say of each generation that will never be read again why."""
        found = {number: self._damage(number, surely=True) for number in self.numbers()}
        return {number: damage for number, damage in found.items() if damage}

    def _mend_current(self, damages: Mapping[str, str], lock: BuildLock) -> Iterator[str]:
        first, problem = self._named()
        if first in self.numbers() and first not in damages:
            return
        for number in self._candidates(first):
            if not self._damage(number):
                self._switch_to(number, lock)
                wrong = problem or f"CURRENT named generation {first}, which is damaged or gone"
                yield f"{wrong}: generation {number} is live now."
                return

    def _set_aside(self, damages: Mapping[str, str]) -> Iterator[str]:
        for number, damage in damages.items():
            done = upkeep.move_to_quarantine(self.folder, number)
            if done:
                yield f"Generation {number} is damaged ({damage}): {done}."

    def _mend_record(self) -> Iterator[str]:
        rolled_back = read_rolled_back(self.folder)
        if rolled_back is None:
            disk.delete(self.folder / RECORD_NAME)
            yield f"{RECORD_NAME} was damaged: what was rolled back from may be published again."
            return
        live = self.live()
        if live and rolled_back.pop(self._meta_of(live).get("inputs", ""), None) is not None:
            write_rolled_back(self.folder, rolled_back)
            yield f"Generation {live} is live, so it is no longer held to be rolled back from."
