"""Reading questions.jsonl: what is asked, what is named and left out, which URLs are one page."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.quality_questions import (
    MAX_FILE_BYTES,
    MAX_LINES,
    MAX_QUERY_CHARS,
    MAX_QUESTIONS,
    QualityQuestion,
    find_questions,
    page_key,
    read_questions,
)

GOOD = '{"query": "lock a timesheet", "urls": ["https://docs.example/lock"]}'
LOCK = QualityQuestion("lock a timesheet", ("https://docs.example/lock",), 1)


def write(folder: Path, *lines: str | bytes) -> Path:
    """Write the lines into questions.jsonl."""
    path = folder / "questions.jsonl"
    path.write_bytes(b"\n".join(x.encode() if isinstance(x, str) else x for x in lines) + b"\n")
    return path


def test_questions_are_read_in_order_with_their_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "# what people ask",
        GOOD,
        "",
        '  {"query": " two\\u00a0 words ", "urls": ["kiosk/pin", "kiosk/pin", " "], "by": "Ann"}',
    )
    assert read_questions(path) == (
        (
            QualityQuestion("lock a timesheet", ("https://docs.example/lock",), 2),
            QualityQuestion("two words", ("kiosk/pin",), 4),
        ),
        (),
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{query}", "skipped, not JSON (Expecting property name enclosed in double quotes)"),
        ('{"query": "a", "urls": ["x"]', "skipped, not JSON (Expecting ',' delimiter)"),
        ("[" * 100_000, "skipped, maximum recursion depth exceeded while decoding a JSON array"),
        ("9" * 5_000, "skipped, Exceeds the limit (4300 digits) for integer string conversion"),
        ('["a", "b"]', "skipped, a line is an object like"),
        ('{"urls": ["x"]}', "skipped, a line is an object like"),
        ('{"query": 3, "urls": ["x"]}', "skipped, a line is an object like"),
        ('{"query": " \\u200b ", "urls": ["x"]}', "skipped, a line is an object like"),
        (
            json.dumps({"query": "x" * (MAX_QUERY_CHARS + 1), "urls": ["x"]}),
            "skipped, the query is longer than 2,000 characters",
        ),
        ('{"query": "a"}', 'skipped, "urls" is a list of URLs or article ids'),
        ('{"query": "a", "urls": "x"}', 'skipped, "urls" is a list of URLs or article ids'),
        ('{"query": "a", "urls": ["x", 1]}', 'skipped, "urls" is a list of URLs or article ids'),
        ('{"query": "a", "urls": []}', 'skipped, "urls" names no article'),
        ('{"query": "a", "urls": [" "]}', 'skipped, "urls" names no article'),
    ],
    ids=lambda value: value[:24],
)
def test_a_bad_line_is_named_and_the_others_are_read(
    tmp_path: Path, line: str, reason: str
) -> None:
    questions, warnings = read_questions(write(tmp_path, GOOD, line))
    assert questions == (LOCK,)
    assert [warning.startswith(f"questions.jsonl:2: {reason}") for warning in warnings] == [True]


def test_the_same_query_is_asked_once_with_the_articles_of_both(tmp_path: Path) -> None:
    again = '{"query": "Lock a  timesheet", "urls": ["https://docs.example/lock", "locking"]}'
    assert read_questions(write(tmp_path, GOOD, again)) == (
        (QualityQuestion("lock a timesheet", ("https://docs.example/lock", "locking"), 1),),
        ("questions.jsonl:2: same query as line 1; asked once, with the URLs of both",),
    )


def test_half_of_a_pair_becomes_text_that_can_be_embedded(tmp_path: Path) -> None:
    (question,), warnings = read_questions(
        write(tmp_path, '{"query": "kiosk \\ud83d pin", "urls": ["\\udcffpin"]}')
    )
    assert (question.query, question.urls, warnings) == ("kiosk ? pin", ("?pin",), ())
    question.query.encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n", ":1: binary file, not text"),
        (bytes(range(1, 9)) * 50, ":1: binary file, not text"),
        ("é".encode("latin-1") * 100, ":1: not UTF-8 text; please save it as UTF-8"),
        (b"#" * (MAX_FILE_BYTES + 1), ": 4,194,305 bytes; the limit for a file is 4,194,304"),
    ],
    ids=["picture", "controls", "latin-1", "large"],
)
def test_a_file_of_something_else_gives_one_warning(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(content)
    expected = f"questions.jsonl{reason}; no question of it is asked"
    assert read_questions(path) == ((), (expected,))


@pytest.mark.timeout(10)
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "questions.jsonl")
    reason = "not a regular file (pipe, socket or device)"
    expected = f"questions.jsonl: {reason}; no question of it is asked"
    assert read_questions(tmp_path / "questions.jsonl") == ((), (expected,))


def test_text_of_windows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(f"{GOOD}\r\n{GOOD.replace('lock', 'open')}\r\n".encode("utf-16"))
    questions, warnings = read_questions(path)
    assert [question.query for question in questions] == ["lock a timesheet", "open a timesheet"]
    assert warnings == ("questions.jsonl:1: UTF-16 text; please save it as UTF-8",)


def test_a_file_without_a_question_is_named(tmp_path: Path) -> None:
    questions, (warning,) = read_questions(write(tmp_path, "# later"))
    assert questions == ()
    assert warning.startswith('questions.jsonl:1: holds no question; write lines like {"query"')


def test_no_more_questions_are_asked_than_a_build_has_time_for(tmp_path: Path) -> None:
    lines = [GOOD.replace("timesheet", f"timesheet {n}") for n in range(MAX_QUESTIONS + 5)]
    questions, warnings = read_questions(write(tmp_path, *lines))
    assert len(questions) == MAX_QUESTIONS
    assert warnings == (
        "questions.jsonl:2001: not read from here on: at most 2,000 questions on 20,000 lines "
        "are asked",
    )


def test_a_long_file_of_rubbish_gives_few_warnings(tmp_path: Path) -> None:
    questions, warnings = read_questions(write(tmp_path, *["{"] * (MAX_LINES + 9), GOOD))
    assert questions == ()
    assert len(warnings) == 21
    assert warnings[-2].startswith("questions.jsonl:20001: not read from here on: ")
    assert warnings[-1] == "questions.jsonl: 19,981 more lines have something wrong with them"


SAME = (
    "https://docs.example/Help/lock",
    "http://docs.example/Help/lock",
    "HTTPS://Docs.Example/Help/lock/",
    "https://docs.example/Help/lock#steps",
    "https://docs.example/Help/lock/?utm_source=mail&UTM_Medium=x&gclid=1#steps",
    "docs.example/Help/lock",
    "https://docs.example/Help/l%6Fck",
    " https://docs.example/Help/lock ",
)
OTHERS = (
    "https://docs.example/help/lock",  # another path
    "https://docs.example/Help/locked",
    "https://other.example/Help/lock",
    "https://docs.example/Help/lock?id=1",
    "https://docs.example/Help/lock?id=2",
)


@pytest.mark.parametrize("url", SAME)
def test_all_ways_to_write_a_url_are_one_page(url: str) -> None:
    assert page_key(url) == "docs.example/Help/lock"


def test_other_pages_have_other_keys() -> None:
    assert len({page_key(url) for url in (*SAME, *OTHERS)}) == 1 + len(OTHERS)


def test_the_order_of_parameters_does_not_matter() -> None:
    assert page_key("https://x.y/a?b=1&a=2") == page_key("http://x.y/a/?a=2&fbclid=3&b=1")


@pytest.mark.parametrize(
    ("name", "key"),
    [("kiosk/pin", "kiosk/pin"), ("/kiosk/pin/", "kiosk/pin"), ("tags", "tags"), ("[", "[")],
)
def test_an_article_id_is_its_own_key(name: str, key: str) -> None:
    assert page_key(name) == key


def test_questions_lie_with_the_knowledge(tmp_path: Path) -> None:
    knowledge = tmp_path / "knowledge"
    knowledge.mkdir()
    merged = tmp_path / "merged.md"
    merged.write_text("# Merged")
    assert find_questions(knowledge, None) is None
    assert find_questions(merged, None) is None
    inside, beside = write(knowledge, GOOD), write(tmp_path, GOOD)
    assert find_questions(knowledge, None) == inside
    assert find_questions(merged, None) == beside


def test_questions_that_cannot_be_read_are_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").symlink_to("gone.jsonl")
    path = find_questions(tmp_path, None)
    assert path is not None
    assert read_questions(path)[1] == (
        "questions.jsonl: cannot be read (No such file or directory); no question of it is asked",
    )


def test_a_link_to_questions_is_followed(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap."""
    (tmp_path / "..data").mkdir()
    write(tmp_path / "..data", GOOD)
    (tmp_path / "questions.jsonl").symlink_to("..data/questions.jsonl")
    assert read_questions(tmp_path / "questions.jsonl") == ((LOCK,), ())


def test_named_questions_win_and_must_be_there(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    named = tmp_path / "mine.jsonl"
    with pytest.raises(SettingsError) as caught:
        find_questions(tmp_path, named)
    assert str(caught.value).startswith(
        f"QUALITY_QUESTIONS is {named}, which gives no question: mine.jsonl: cannot be read "
        "(No such file or directory)"
    )
    named.write_text("{\n")
    with pytest.raises(SettingsError, match=r"no question: mine.jsonl:1: skipped, not JSON"):
        find_questions(tmp_path, named)
    named.write_text(GOOD)
    assert find_questions(tmp_path, named) == named


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_named_questions_are_a_file(tmp_path: Path, kind: str) -> None:
    named = tmp_path / "mine.jsonl"
    if kind == "folder":
        named.mkdir()
    else:
        os.mkfifo(named)
    with pytest.raises(SettingsError, match=r"not a regular file|a folder"):
        find_questions(tmp_path, named)
