"""markup: Markdown becomes mrkdwn, and no text whatever can ping, link elsewhere or hide."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.markup import Links, clean, code, escape, link, to_mrkdwn

HELP = "https://clockify.me/help/a"
ODD = "https://clockify.me/view?id=7&x=1"
LINKS = Links.of([HELP, ODD], {1: HELP, 2: None, 3: "javascript:alert(1)", 4: ODD})
HOSTS = frozenset({"clockify.me"})
LINK = re.compile(r"<(https?://[^<>|\s]+)(\|[^<>|]*)?>")
# What Slack would find by itself: addresses, domains and e-mail addresses.
SELF_LINKED = re.compile(r"://|(?<![\w-])[\w-]{1,63}\.(?:com|me|net|org)(?![^\W_])", re.IGNORECASE)
PINGS = re.compile(r"[@＠](channel|here|everyone)|<[!@#]", re.IGNORECASE)

SPICE = st.sampled_from(
    [
        *("<!channel>", "<!here|x>", "<@U0ADA>", "<#C0GEN>", "<!subteam^S1>", "@channel", "@here"),
        *("[x](https://evil.com)", "[clockify.me](https://clockify.me/b)", f"<{HELP}|x>", "[1]"),
        *("https://evil.com/?q=1", "evil.com", "a@evil.com", "0https://", "www.", "://", "mailto:"),
        *(
            "`",
            "``",
            "```\n",
            "**",
            "*",
            "_",
            "~~",
            "\n",
            "\n\n",
            "> ",
            "1. ",
            "- ",
            "| a |\n|---|",
        ),
        *("\u200b", "\u202e", "\u2066", "\ufeff", "\ue000", "\ufff9", "\u115f", "\x00", "\ud800"),
        *("&lt;", "&#60;!here&#62;", "&", "<", ">", "|", "\\", "!", "[", "]", "(", ")", "@", "。"),
        *(
            "![i](https://evil.com/x.png)",
            "<https://evil.com>",
            "[1]: https://evil.com\n",
            "ＨＥＲＥ",
        ),
    ]
)
HOSTILE = st.lists(SPICE | st.text(max_size=6), max_size=14).map("".join)


def check_safe(shown: str, hosts: frozenset[str]) -> None:
    """Assert that nothing in a text pings, links elsewhere, links by itself or is invisible."""
    assert not PINGS.search(shown)
    for match in LINK.finditer(shown):
        host = re.match(r"https?://([^/?#:]*)", match[1])
        assert host
        assert host[1] in hosts
    rest = LINK.sub(" ", shown)
    assert "<" not in rest
    assert ">" not in rest
    outside_code = re.sub(r"```\n[\s\S]*?\n\s*(?:&gt; )*```|`[^`\n]+`", " ", rest)
    assert not SELF_LINKED.search(outside_code)
    assert not [c for c in shown if unicodedata.category(c) in ("Cf", "Co", "Cs")]
    assert not [c for c in shown if unicodedata.category(c) == "Cc" and c != "\n"]


@settings(max_examples=300, deadline=None)
@given(HOSTILE)
@example("0https://evil.com/a…@evil.com")
@example("@\u200bchannel @**channel** ＠here")
@example("[a://b](https://clockify.me/b)")
@example("a**evil.com**b_evil.com_")
def test_converted_markdown_is_safe(text: str) -> None:
    check_safe(to_mrkdwn(text, LINKS), HOSTS)


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_escaped_text_and_labels_are_safe(text: str) -> None:
    check_safe(escape(text), frozenset())
    check_safe(link(HELP, text, LINKS), HOSTS)
    check_safe(link("https://evil.com", text, LINKS), frozenset())
    assert not PINGS.search(code(text))


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_only_safe_addresses_are_linked(url: str) -> None:
    for address in (url, f"https://clockify.me/{url}", f"https://{url}clockify.me/"):
        check_safe(link(address, "label", LINKS), HOSTS)
        own = Links.of([address], {})
        assert link(address, "label", own) in ("label", *(f"<{a}|label>" for a in own.addresses))


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("**Bold** and *em*, ~~not~~", "*Bold* and _em_, ~not~"),
        ("# Head **line**\nText", "*Head line*\n\nText"),
        ("1. One\n2. Two\n   - sub\n3. Three", "1. One\n2. Two\n    • sub\n3. Three"),
        ("* a\n\n* b", "• a\n• b"),
        ("Use `x < y`", "Use `x &lt; y`"),
        ("```sh\ncurl https://api.test\n```", "```\ncurl https://api.test\n```"),
        ("| a | b |\n|---|---|\n| 1 | [1] |", f"a | b\n1 | <{HELP}|[1]>"),
        ("> said", "&gt; said"),
        ("See [1][2] and [9].", f"See <{HELP}|[1]>[2] and [9]."),
        ("[3] [4]", "[3] <https://clockify.me/view?id=7&amp;x=1|[4]>"),
        (f"[ok]({HELP})", f"<{HELP}|ok>"),
        ("[no](https://clockify.me/b)", "no"),
        (f"[no]({HELP}?q=1)", "no"),
        ("[no](https://user@clockify.me/b)", "no"),
        ("[no](https://clockify.me.evil.test/)", "no"),
        (f"[clockify.me]({HELP})", f"<{HELP}>"),
        (f"At {HELP}.", f"At <{HELP}>."),
        ("At https://clockify.me/b.", "At `https://clockify.me/b`."),
        ("[evil](https://evil.test).com", "`evil.com`"),
        ("![evil](x.png).com", "`evil.com`"),
        ("# **evil**.com", "*`evil.com`*"),
        ("evil.com¹ and evil.com", "`evil.com¹` and `evil.com`"),
        ("evil.com" + "0" * 30 + "://x", "`evil.com` `" + "0" * 30 + "://x`"),
        ("@ＨＥＲＥ @hereby", "@ ＨＥＲＥ @ hereby"),
        ("At app.clockify.me/x, mail a@b.com", "At `app.clockify.me/x`, mail `a@b.com`"),
        ("e.g. 1.5 h, v2.0 and U.S.", "e.g. 1.5 h, v2.0 and U.S."),
        ("![chart](https://evil.com/x.png)", "chart"),
        ("a `b", "a 'b"),
    ],
)
def test_conversion(markdown: str, mrkdwn: str) -> None:
    assert to_mrkdwn(markdown, LINKS) == mrkdwn


@pytest.mark.parametrize(
    "url",
    [
        "ftp://clockify.me/a",
        "javascript:alert(1)",
        "https://a:b@clockify.me/",
        "https://clockify.me/a b",
        "https://clockify.me/a|b",
        "https://clockify.me/<!here>",
        "https://clockify.me\\@evil.com/",
        "https://кlockify.me/",
        "https://xn--lockify-1fg.me/",
        "https://help.xn--80ak6aa92e.com/",
        "https://clockify.me/\u202egnp.exe",
        "http://https://clockify.me/",
        "https://[::1]/",
        "https://clockify.me:99999/",
        "https://clockify.me/" + "a" * 2_000,
        "//clockify.me/a",
        "https:///a",
        "",
    ],
)
def test_improper_addresses_are_never_linked(url: str) -> None:
    assert Links.of([url, HELP], {}).safe(url) is None


def test_a_path_is_encoded() -> None:
    links = Links.of(["https://clockify.me/@here/ü"], {})
    assert links.safe("https://clockify.me/@here/ü") == "https://clockify.me/%40here/%C3%BC"
    assert links.safe("https://clockify.me/@here/%C3%BC") == links.safe(
        "https://clockify.me/@here/ü"
    )


@pytest.mark.parametrize(
    "text",
    ["a" * 50_000, "[" * 20_000, "![[]()" * 4_000, "a." * 10_000, "`" * 20_000, "> " * 10_000],
    ids=["letters", "brackets", "images", "dots", "ticks", "quotes"],
)
def test_odd_texts_take_no_time(text: str) -> None:
    started = time.perf_counter()
    to_mrkdwn(text, LINKS)
    assert time.perf_counter() - started < 1.0


def test_clean_is_idempotent_and_keeps_accents() -> None:
    assert clean("é\r\nß\t\u2028x") == clean(clean("é\r\nß\t\u2028x")) == "é\nß \nx"
