"""Ways to damage an index at rest, chosen by a seed and taken back afterwards."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.store import META

PAGE = 4096
CURRENT = "CURRENT"
SHARE_OF_CURRENT = 0.12  # of all damages; the others are of files of generations
SHARE_OF_SEVERAL = 0.25  # of those; an older generation is damaged too
SHARE_OF_TWO = 0.7  # of those; the rest damages all three

Damage = Callable[[random.Random, Path], None]


def flip(choice: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[choice.randrange(len(content))] ^= 1 << choice.randrange(8)
    path.write_bytes(content)


def truncate(choice: random.Random, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: choice.randrange(len(content))])


def zero_page(choice: random.Random, path: Path) -> None:
    content = path.read_bytes()
    start = PAGE * choice.randrange(-(-len(content) // PAGE))
    zeros = bytes(len(content[start : start + PAGE]))
    path.write_bytes(content[:start] + zeros + content[start + PAGE :])


def append(choice: random.Random, path: Path) -> None:
    path.write_bytes(path.read_bytes() + choice.randbytes(choice.randint(1, 3 * PAGE)))


def empty(_: random.Random, path: Path) -> None:
    path.write_bytes(b"")


def delete(_: random.Random, path: Path) -> None:
    path.unlink()


def replace_by_folder(_: random.Random, path: Path) -> None:
    path.unlink()
    path.mkdir()


def swap(choice: random.Random, path: Path) -> None:
    """Put the same file of another generation in the place of this one."""
    others = [folder for folder in path.parents[1].iterdir() if folder != path.parent]
    source = choice.choice(sorted(others)) / path.name
    if source.is_file():
        path.write_bytes(source.read_bytes())


def garbage(choice: random.Random, path: Path) -> None:
    path.write_bytes(choice.randbytes(choice.randint(1, 200)))


def from_the_future(choice: random.Random, path: Path) -> None:
    _, digest = path.read_text().split()
    path.write_text(f"{choice.randint(4, 99_999_999):08d} {digest}\n")


def hash_of_another(choice: random.Random, path: Path) -> None:
    number = choice.choice(("00000001", "00000002"))
    meta = path.parent / "generations" / number / META
    path.write_text(f"00000003 {hashlib.sha256(meta.read_bytes()).hexdigest()}\n")


COMMON: tuple[Damage, ...] = (
    flip,
    truncate,
    zero_page,
    append,
    empty,
    delete,
    replace_by_folder,
)
OF_A_FILE: tuple[Damage, ...] = (*COMMON, swap)
OF_CURRENT: tuple[Damage, ...] = (*COMMON, garbage, from_the_future, hash_of_another)


@dataclass(frozen=True, slots=True)
class Damaged:
    """What was done to an index, and which generations are not as written any more."""

    seed: int
    done: tuple[str, ...]  # "flip 00000003/hnsw.bin"
    wrong: tuple[str, ...]  # numbers of generations, and CURRENT


def do_damage(folder: Path, seed: int) -> tuple[Damaged, dict[Path, bytes]]:
    """Damage an index of three generations as a seed says; tells how, and what was there before."""
    choice = random.Random(seed)
    before = {path: path.read_bytes() for path in _targets(choice, folder)}
    done = []
    for path in before:
        damage = choice.choice(OF_CURRENT if path.name == CURRENT else OF_A_FILE)
        damage(choice, path)
        done.append(f"{damage.__name__} {path.parent.name}/{path.name}")
    changed = [path for path, content in before.items() if not _is_same(path, content)]
    wrong = {CURRENT if path.name == CURRENT else path.parent.name for path in changed}
    return Damaged(seed, tuple(done), tuple(sorted(wrong))), before


@contextmanager
def damaged(folder: Path, seed: int) -> Iterator[Damaged]:
    """Damage an index as a seed says, and put everything back."""
    damage, before = do_damage(folder, seed)
    try:
        yield damage
    finally:
        for path, content in before.items():
            if path.is_dir():
                path.rmdir()
            path.write_bytes(content)


def _targets(choice: random.Random, folder: Path) -> list[Path]:
    """Choose files of the live generation, sometimes of older ones too, or CURRENT."""
    generations = sorted((folder / "generations").iterdir(), reverse=True)
    files = [choice.choice(sorted(generation.iterdir())) for generation in generations]
    is_of_current = choice.random() < SHARE_OF_CURRENT
    count = 1
    if choice.random() < SHARE_OF_SEVERAL:
        count = 2 if choice.random() < SHARE_OF_TWO else 3
    return [folder / CURRENT, *files[: count - 1]] if is_of_current else files[:count]


def _is_same(path: Path, content: bytes) -> bool:
    """Say whether a file still says the same; blanks around CURRENT's text say nothing."""
    if not path.is_file():
        return False
    now = path.read_bytes()
    return now.strip() == content.strip() if path.name == CURRENT else now == content
