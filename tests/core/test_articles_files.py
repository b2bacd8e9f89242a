"""Safe reading of knowledge files: links, pipes, permissions, encodings."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from core.articles import Knowledge, read_knowledge
from core.errors import KnowledgeError


def outline(knowledge: Knowledge) -> tuple[list[str], list[str]]:
    return (
        [article.source for article in knowledge.articles],
        [str(warning) for warning in knowledge.warnings],
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "knowledge"
    root.mkdir()
    (root / "real.md").write_text("# Real\n\nText")
    return root


def test_pipe_does_not_hang(root: Path) -> None:
    os.mkfifo(root / "pipe.md")
    assert outline(read_knowledge(root)) == (
        ["real.md"],
        ["pipe.md: not a regular file (pipe, socket or device)"],
    )


def test_socket_is_skipped(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        assert outline(read_knowledge(root))[1] == [
            "socket.md: not a regular file (pipe, socket or device)"
        ]


@pytest.mark.parametrize("path", ["/dev/zero", "pipe.md"])
def test_device_or_pipe_as_knowledge_is_an_error(root: Path, path: str) -> None:
    os.mkfifo(root / "pipe.md")
    with pytest.raises(KnowledgeError, match="neither a regular file nor a folder"):
        read_knowledge(root / path)


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("x.md", "/etc/passwd", "link that points outside the knowledge folder"),
        ("x.md", "../outside.md", "link that points outside the knowledge folder"),
        ("x", "/etc", "link that points outside the knowledge folder"),
        ("x.md", "nothing.md", "broken link"),
        ("x.md", "x.md", "link that is a loop"),
        ("x", ".", "link that is a loop"),
        ("x.md", "real.md", "link to real.md, which is read already"),
    ],
)
def test_link_is_skipped_with_its_reason(root: Path, name: str, target: str, reason: str) -> None:
    (root.parent / "outside.md").write_text("# Outside\n\nSecret")
    (root / name).symlink_to(target)
    knowledge = read_knowledge(root)
    assert outline(knowledge) == (["real.md"], [f"{name}: {reason}"])
    assert knowledge.warnings[0].skipped


def test_link_to_a_hidden_file_inside_is_followed(root: Path) -> None:
    """As Kubernetes mounts a ConfigMap: page.md → ..data/page.md, ..data → ..2024/."""
    (root / "..2024").mkdir()
    (root / "..2024" / "page.md").write_text("# Page\n\nText")
    (root / "..data").symlink_to("..2024")
    (root / "page.md").symlink_to("..data/page.md")
    assert outline(read_knowledge(root)) == (["page.md", "real.md"], [])


def test_link_to_a_hidden_folder_inside_is_read_once(root: Path) -> None:
    (root / ".store").mkdir()
    (root / ".store" / "a.md").write_text("# A\n\nText")
    (root / ".store" / "up").symlink_to("..")
    for name in ("one", "two"):
        (root / name).symlink_to(".store")
    assert outline(read_knowledge(root)) == (
        ["one/a.md", "real.md"],
        ["one/up: link that is a loop", "two: link to .store, which is read already"],
    )


def test_knowledge_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(root)
    assert outline(read_knowledge(tmp_path / "current")) == (["real.md"], [])


def test_deep_folders_need_no_recursion(root: Path) -> None:
    deep = root
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()
    (deep / "x.md").write_text("# Deep\n\nText")
    assert outline(read_knowledge(root)) == ([f"{'d/' * 300}x.md", "real.md"], [])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file_and_folder_are_skipped(root: Path) -> None:
    (root / "no.md").write_text("secret")
    (root / "no.md").chmod(0)
    (root / "closed").mkdir(mode=0)
    assert outline(read_knowledge(root)) == (
        ["real.md"],
        [
            "closed: folder cannot be read (Permission denied)",
            "no.md: cannot be read (Permission denied)",
        ],
    )
    (root / "closed").chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["", "real.md"])
def test_forbidden_knowledge_is_an_error(root: Path, name: str) -> None:
    (root / name).chmod(0)
    with pytest.raises(KnowledgeError, match="Check its permissions"):
        read_knowledge(root / name)
    (root / name).chmod(0o700)


def test_names_that_are_not_utf8_are_shown_without_harm(root: Path) -> None:
    (root / "real.md").unlink()
    path = os.fsencode(root) + b"/caf\xe9\nx.md"
    try:
        with open(path, "wb") as stream:
            stream.write(b"Text")
    except OSError:
        pytest.skip("the file system wants UTF-8 names")
    (article,) = read_knowledge(root).articles
    assert (article.source, article.id) == ("caf\ufffd\ufffdx.md", "caf-x")


@pytest.mark.parametrize(
    ("content", "body", "reasons"),
    [
        (b"\xef\xbb\xbfText", "Text", []),
        ("\ufeffText ü".encode("utf-16-le"), "Text ü", ["1: UTF-16 text; please save it as UTF-8"]),
        ("\ufeffText ü".encode("utf-16-be"), "Text ü", ["1: UTF-16 text; please save it as UTF-8"]),
        ("\ufeffText ü".encode("utf-32-le"), "Text ü", ["1: UTF-32 text; please save it as UTF-8"]),
        (
            b"A\r\ncaf\xe9 here, \xff",
            "A\ncaf\ufffd here, \ufffd",
            ["2: invalid UTF-8 at byte 6; 2 characters replaced"],
        ),
        (b"A\r\r\nbe\0fo\nre\0 the end", "A\n\nbefo\nre the end", ["3: 2 NUL characters removed"]),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree", []),
        ("a\u00a0b\u202ec\u200bd\u2028e".encode(), "a bcd\ne", []),
        ("👩\u200d👧 a\u200db \U000e0049\U000e0067x".encode(), "👩\u200d👧 ab x", []),
        ("Überstunden e\u0301".encode(), "Überstunden e\u0301", []),
    ],
)
def test_bytes_become_text(tmp_path: Path, content: bytes, body: str, reasons: list[str]) -> None:
    (tmp_path / "page.md").write_bytes(content)
    knowledge = read_knowledge(tmp_path)
    assert [article.body for article in knowledge.articles] == [body]
    assert [f"{warning.line}: {warning.reason}" for warning in knowledge.warnings] == reasons
    assert not any(warning.skipped for warning in knowledge.warnings)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", " file is empty"),
        (b" \n\t\r\n", " no text in it"),
        (b"\x89PNG\r\n\x1a\n plain enough", "1: binary file, not text"),
        (b"one\r\ntwo\r" + bytes(range(32)) * 4 + b"words", "3: binary file, not text"),
        ("\nПривет, мир. Таймер.".encode("cp1251"), "2: not UTF-8 text; please save it as UTF-8"),
    ],
)
def test_what_is_no_text_is_skipped(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "page.md").write_bytes(content)
    assert outline(read_knowledge(tmp_path)) == ([], [f"page.md:{reason}"])
