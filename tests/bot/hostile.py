"""Strategies for text, titles, addresses and turns by somebody who wants the bot to misbehave."""

from __future__ import annotations

from hypothesis import strategies as st

from bot.conversations import Conversation, Link
from bot.tasks import Surface
from core.types import (
    Answer,
    Chunk,
    Hit,
    Notice,
    NoticeKind,
    Question,
    Refusal,
    RefusalReason,
    Source,
    Turn,
)

from .inert import Allowed

GOOD_URLS = (
    "https://clockify.me/help/a",
    "https://clockify.me/help/lock-timesheets",
    "https://clockify.me/view?id=7&x=1",
    "http://intranet/ü/wiki_(a)",
)
BAD_URLS = (
    *("javascript:alert(1)", "data:text/html,<script>", "file:///etc/passwd", "ftp://clockify.me/"),
    *(
        "https://a:b@clockify.me/",
        "https://clockify.me@evil.com/",
        "https://clockify.me\\@evil.com",
    ),
    *("https://evil.com|https://clockify.me", "https://clockify.me/>|<!here>", "//clockify.me/a"),
    *("https://xn--lockify-1fg.me/", "https://сlockify.me/", "https://clockify.me/\u202egnp.exe"),
    *("https://clockify.me/a b", "https://[::1]/", "https://clockify.me:99999/", "http://", "x"),
)
MARKUP = (
    *(
        "<!channel>",
        "<!here|x>",
        "<!everyone>",
        "<@U0ADA>",
        "<@U0ADA|ada>",
        "<#C0GEN>",
        "<#C0GEN|a>",
    ),
    *("<!subteam^S1>", "<!date^1^{date}^https://evil.com|x>", "@channel", "@here", "＠everyone"),
    *("<https://evil.com|https://clockify.me>", "<javascript:alert(1)|a>", "<mailto:a@evil.com|b>"),
    *("[x](https://evil.com)", "[clockify.me](https://clockify.me/help/a)", "[a](<javascript:b>)"),
    *("![i](https://evil.com/x.png)", "[![i](https://evil.com/x.png)](https://clockify.me/help/a)"),
    *(
        "<https://evil.com>",
        "[1]: https://evil.com\n",
        "[a][1]",
        "[1]",
        "[2]",
        "[99]",
        "[1](evil.com)",
    ),
    *(
        "https://evil.com/?q=1",
        "evil.com",
        "a@evil.com",
        "0https://",
        "www.",
        "://",
        "mailto:",
        ".com",
    ),
    *("&lt;!channel&gt;", "&#60;!here&#62;", "&amp;lt;", "&", "<", ">", "|", "\\", "!", "@", "。"),
    *("[", "]", "(", ")", "`", "``", "```\n", "~~~\n", "**", "*", "_", "~~", "\n", "\n\n", "\r\n"),
    *(
        "> ",
        "1. ",
        "- ",
        "    ",
        "| a |\n|---|\n",
        "<a href='https://evil.com'>",
        "<!-- x -->",
        "\t",
    ),
    *("\u200b", "\u200d", "\u202e", "\u2066", "\u2069", "\ufeff", "\u00ad", "\ue000", "\ufff9"),
    *("\u115f", "\u2800", "\u3164", "\u180e", "\x00", "\x1b[31m", "\ud800", "\U000e0041", "\ufffe"),
    *("channel", "here", "word", " ", "ＨＥＲＥ", "xn--e1afmkfd.com", "e.g.", "Ω"),
)
SPICE = st.sampled_from((*MARKUP, *BAD_URLS, *GOOD_URLS))
TEXTS = st.lists(SPICE | st.text(max_size=5), max_size=12).map("".join)
URLS = st.none() | st.sampled_from(GOOD_URLS) | st.sampled_from(BAD_URLS) | TEXTS


def allowed_for(turn: Turn, *mentions: str) -> Allowed:
    """Give what a turn's message may link to and mention."""
    reply = turn.reply
    match reply:
        case Answer():
            urls = [source.url for source in reply.sources]
        case Refusal():
            urls = [hit.chunk.url for hit in reply.nearest]
        case Notice():
            urls = []
    return Allowed(frozenset(url for url in urls if url), frozenset(mentions))


@st.composite
def sources(draw: st.DrawFn) -> tuple[Source, ...]:
    """Make up to three sources with anything in them."""
    count = draw(st.integers(0, 3))
    return tuple(
        Source(n, draw(TEXTS), draw(URLS), tuple(draw(st.lists(TEXTS, max_size=1))), f"a{n}")
        for n in range(1, count + 1)
    )


@st.composite
def hits(draw: st.DrawFn) -> tuple[Hit, ...]:
    """Make up to three nearest articles with anything in them."""
    count = draw(st.integers(0, 3))
    chunks = [
        Chunk(f"a{n}#.0", f"a{n}", draw(TEXTS), (), draw(TEXTS), draw(URLS), 0, 0)
        for n in range(count)
    ]
    return tuple(Hit(chunk, 1.0, None, None) for chunk in chunks)


REPLIES = st.one_of(
    st.builds(Answer, text=TEXTS, sources=sources()),
    st.builds(Refusal, reason=st.just(RefusalReason.WEAK_EVIDENCE), nearest=hits()),
    st.builds(Notice, kind=st.just(NoticeKind.HELP), text=TEXTS),
)
TURNS = st.builds(
    Turn,
    question=st.builds(Question, text=TEXTS, id=st.just("a1b2c3d4e5")),
    reply=REPLIES,
    generation=st.just("00000007"),
    footnotes=st.lists(TEXTS, max_size=2).map(tuple),
)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Make what is remembered of a hostile question and its reply."""
    links = draw(st.lists(st.builds(Link, title=TEXTS, url=URLS, section=TEXTS), max_size=3))
    return Conversation(
        answer_id="a1b2c3d4e5",
        team="T0SIM",
        channel="C0GEN",
        thread="1.1",
        user="U0ANN",
        surface=draw(st.sampled_from(Surface)),
        question=draw(TEXTS),
        standalone=draw(TEXTS),
        reply=draw(TEXTS),
        outcome=draw(st.sampled_from(("answered", "refused:nothing_found"))),
        links=tuple(links),
        generation="00000007",
        asked_at=1.0,
    )


def allowed_in(conversation: Conversation | None, *mentions: str, permalink: str = "") -> Allowed:
    """Give what a message about a conversation may link to and mention."""
    links = conversation.links if conversation is not None else ()
    urls = [*(link.url for link in links), permalink]
    return Allowed(frozenset(url for url in urls if url), frozenset(mentions))
