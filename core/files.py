"""Find and read knowledge files safely: regular files only, nothing outside the root.

Takes a path; gives names relative to it, bytes under a limit, and text with what was repaired.
"""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from .errors import KnowledgeError
from .types import KnowledgeWarning

SUFFIXES = (".md", ".markdown")
SPECIAL = "not a regular file (pipe, socket or device)"
ADVICE = "Give a Markdown file or a folder with Markdown articles."
# No links at the last step; no waiting for the other end of a pipe.
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_MAGIC = (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"\x7fELF")
_BOMS = (  # UTF-32 first: its mark begins with the one of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 64 * 1024
_CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13})
_MAX_CONTROL_SHARE = 0.10
_MAX_INVALID_SHARE = 0.30
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
# Controls, soft hyphen, zero-width and bidi characters, tags, noncharacters. U+200D (joiner)
# stays between emoji only.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
    "|(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d"
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read: where it really is, and its name in the knowledge (relative, posix)."""

    path: str
    name: str


class SkippedError(Exception):
    """Raised for a file that cannot be read; str() is the reason for the warning."""

    def __init__(self, reason: str, *, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class Repair:
    """What was mended in a file, and the first line of it."""

    reason: str
    line: int | None = None


def find_files(root: Path) -> tuple[list[FoundFile], list[KnowledgeWarning]]:
    """List the Markdown files below a folder, sorted by name, or the one file that root is.

    Hidden entries are passed over. Links are followed after all else, so a file is read under
    its own name when it has one in the folder.
    """
    real_root = _real_root(root)
    if not os.access(real_root, os.R_OK):
        raise KnowledgeError(f"Knowledge {root} cannot be read. Check its permissions.")
    mode = os.stat(real_root).st_mode
    if stat.S_ISREG(mode):
        return [FoundFile(real_root, _printable(root.name))], []
    if not stat.S_ISDIR(mode):
        raise KnowledgeError(f"Knowledge {root} is neither a regular file nor a folder. {ADVICE}")
    try:
        os.scandir(real_root).close()
    except OSError as error:
        raise KnowledgeError(
            f"Knowledge {root} cannot be read ({error.strerror}). Check its permissions."
        ) from error
    walk = _Walk(real_root)
    walk.folder(real_root, "")
    walk.follow_links()
    return sorted(walk.files, key=lambda file: file.name), walk.warnings


def _real_root(root: Path) -> str:
    try:
        return os.path.realpath(root, strict=True)
    except FileNotFoundError as error:
        raise KnowledgeError(f"Knowledge {root} does not exist. {ADVICE}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KnowledgeError(
            f"Knowledge {root!s:.200} cannot be read: {reason}. {ADVICE}"
        ) from error


@dataclass(slots=True)
class _Walk:
    """One pass over a folder; each folder and each file once, by real path."""

    root: str
    files: list[FoundFile] = field(default_factory=list)
    warnings: list[KnowledgeWarning] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # (path, name)
    seen: set[str] = field(default_factory=set)  # real paths

    def folder(self, path: str, prefix: str) -> None:
        """Collect what is below one folder, without recursion."""
        pending = [(path, prefix)]
        while pending:
            here, prefix = pending.pop()
            self.seen.add(here)
            try:
                with os.scandir(here) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self.warn(prefix.rstrip("/"), f"folder cannot be read ({error.strerror})")
                continue
            for entry in found:
                name = prefix + _printable(entry.name)
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink():
                    self.links.append((entry.path, name))
                elif entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, name + "/"))
                elif is_markdown(entry.name):
                    self.file(entry.path, name)

    def file(self, path: str, name: str) -> None:
        self.seen.add(path)
        self.files.append(FoundFile(path, name))

    def follow_links(self) -> None:
        """Read what links inside the root lead to, unless it was read already."""
        while self.links:
            links, self.links = sorted(self.links, key=lambda link: link[1]), []
            for path, name in links:
                self.follow(path, name)

    def follow(self, path: str, name: str) -> None:
        try:
            target = os.path.realpath(path, strict=True)
        except OSError as error:
            is_loop = error.errno == errno.ELOOP
            self.warn(name, "link that is a loop" if is_loop else "broken link")
            return
        is_folder = os.path.isdir(target)
        if not is_folder and not is_markdown(name):
            return
        if not Path(target).is_relative_to(self.root):
            self.warn(name, "link that points outside the knowledge folder")
        elif Path(path).is_relative_to(target):
            self.warn(name, "link that is a loop")
        elif target in self.seen:
            there = _printable(os.path.relpath(target, self.root))
            self.warn(name, f"link to {there}, which is read already")
        elif is_folder:
            self.folder(target, name + "/")
        else:
            self.file(target, name)

    def warn(self, name: str, reason: str) -> None:
        self.warnings.append(KnowledgeWarning(name, None, reason, skipped=True))


def is_markdown(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _printable(name: str) -> str:
    """A file name as valid Unicode with "/" between folders and no control characters."""
    text = os.fsencode(name).decode("utf-8", "replace").replace(os.sep, "/")
    return _INVISIBLE.sub("\ufffd", _LINE_ENDS.sub("\ufffd", text).replace("\n", "\ufffd"))


def read_bytes(path: str, *, max_bytes: int) -> bytes:
    """Read a regular file whole; SkippedError when it is none, too large or forbidden."""
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError as error:
        if _is_special(path):
            raise SkippedError(SPECIAL) from error
        raise SkippedError(f"cannot be read ({error.strerror})") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        is_folder = stat.S_ISDIR(status.st_mode)
        raise SkippedError("a folder" if is_folder else SPECIAL)
    with os.fdopen(descriptor, "rb") as stream:
        if status.st_size > max_bytes:
            raise SkippedError(f"{status.st_size:,} bytes; the limit for a file is {max_bytes:,}")
        try:
            content = stream.read(status.st_size + 1)
        except OSError as error:
            raise SkippedError(f"cannot be read ({error.strerror})") from error
    if len(content) > status.st_size:
        raise SkippedError("grew while it was read; try again")
    if len(content) < status.st_size:
        raise SkippedError("shrank while it was read; try again")
    return content


def _is_special(path: str) -> bool:
    """Whether the path is there and is no regular file: opening a socket fails, for one."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def decode(content: bytes) -> tuple[str, list[Repair]]:
    """Turn bytes into clean text with "\\n" line ends, and name each repair.

    SkippedError for binary files and for text in an unknown encoding.
    """
    repairs: list[Repair] = []
    encoding = _marked_encoding(content)
    if encoding is None:
        if is_binary(content):
            raise SkippedError("binary file, not text", line=_line_of_control(content))
        text = _decode_utf8(content.removeprefix(codecs.BOM_UTF8), repairs)
    else:
        text = content.decode(encoding, "replace")
        repairs.append(Repair(f"{encoding.upper()} text; please save it as UTF-8", 1))
    if nuls := text.count("\0"):
        line = _line_after(text[: text.index("\0")])
        repairs.append(Repair(f"{nuls} NUL characters removed", line))
    return strip_invisible(_LINE_ENDS.sub("\n", text)), repairs


def strip_invisible(text: str) -> str:
    """Remove control, zero-width and bidi characters; make every kind of space a plain one."""
    return _INVISIBLE.sub("", _SPACES.sub(" ", text))


def is_binary(content: bytes) -> bool:
    """Say of the beginning of a file whether decode() takes it for no text."""
    if _marked_encoding(content) is not None:
        return False
    sample = content[:_SAMPLE_BYTES]
    controls = len(sample) - len(sample.translate(None, _CONTROL_BYTES))
    return content.startswith(_MAGIC) or controls > _MAX_CONTROL_SHARE * len(sample)


def _marked_encoding(content: bytes) -> str | None:
    return next((name for bom, name in _BOMS if content.startswith(bom)), None)


def _line_of_control(content: bytes) -> int:
    """Return the line of the first byte that no text has; 1 for a known kind of binary file."""
    if content.startswith(_MAGIC):
        return 1
    first = next(n for n, byte in enumerate(content) if byte in _CONTROL_BYTES)
    return _line_after(content[:first].decode("utf-8", "replace"))


def _line_after(text: str) -> int:
    """Return the number of the line on which a text ends."""
    return _LINE_ENDS.sub("\n", text).count("\n") + 1


def _decode_utf8(content: bytes, repairs: list[Repair]) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        text = content.decode("utf-8", "replace")
        invalid = text.count("\ufffd")
        line = _line_after(content[: error.start].decode("utf-8"))
        if invalid > _MAX_INVALID_SHARE * len(text):
            raise SkippedError("not UTF-8 text; please save it as UTF-8", line=line) from error
        reason = f"invalid UTF-8 at byte {error.start}; {invalid} characters replaced"
        repairs.append(Repair(reason, line))
        return text
