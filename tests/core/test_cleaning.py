"""What cleaning takes away, what it mends, and what it must leave alone."""

from __future__ import annotations

import pytest

from core.cleaning import Cleaned, clean
from core.gluing import unglue, words_of


def body(text: str, title: str = "Title") -> str:
    return clean(text, title=title).body


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("## Steps#", "## Steps"),
        ("### Manage accruals [\\#](#manage-accruals)", "### Manage accruals"),
        ("## Steps [#](#steps)", "## Steps"),
        ("## Closed ##", "## Closed"),
        ("#### **Bold: one**", "#### Bold: one"),
        ("## Use C#", "## Use C#"),
        ("## Use F##", "## Use F#"),
        ("## Issue #42", "## Issue #42"),
        ("##no heading", "##no heading"),
        ("####### seven", "seven"),
        ("## ![](x.png)", ""),
        ("Over\n====", "# Over"),
    ],
)
def test_headings(line: str, expected: str) -> None:
    assert body(f"Text\n\n{line}\n\nMore") == "\n\n".join(filter(None, ("Text", expected, "More")))


def test_list_of_contents_of_the_merged_file_goes() -> None:
    text = "Intro\n\nIn this article\n\n- Steps\n- More\n\n- A real item\n\n## Steps#\n\nText"
    assert body(text) == "Intro\n\n- A real item\n\n## Steps\n\nText"


def test_in_this_article_as_a_sentence_stays() -> None:
    text = "In this article we count.\n\n- one\n- two\n\nIn this article\n\nNothing listed."
    assert body(text) == text


def test_title_twice_with_linked_contents_and_reading_time_goes() -> None:
    text = (
        "\n# Accrue time\\-off\n\n* [Manage](#manage)\n  * [Deep](#deep)\n* [History](#history)\n\n"
        "# Accrue time-off\n\n3 min read\n\nTime off is paid.\n\n* [Manage](#manage)\n"
    )
    assert body(text, "Accrue time-off") == "Time off is paid.\n\n* Manage"


def test_another_heading_of_level_one_stays() -> None:
    assert body("# Other\n\nText\n\n# Title\n\nMore") == "# Other\n\nText\n\n# Title\n\nMore"


@pytest.mark.parametrize("heading", ["### Was this article helpful?", "Was this article helpful?"])
def test_feedback_form_goes(heading: str) -> None:
    assert body(f"Text\n\n{heading}\n\nSubmit\nCancel\n\nThank you! Write to us.") == "Text"


def test_feedback_words_in_the_middle_stay() -> None:
    text = "### Was this article helpful?\n\nAsk that.\n\n## Steps\n\nText"
    assert body(text) == text


def test_stub() -> None:
    text = "# Title\n\n_Content could not be scraped reliably from the source page._\n"
    assert clean(text, title="Title") == Cleaned("", is_stub=True)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("a [link](https://x.example/a_(b)) here", "a link here"),
        ("a [link](<https://x.example/a b> 'title') here", "a link here"),
        ("[![](a.png)\n\n#### Head\n\nText](https://x.example)", "#### Head\n\nText"),
        ("[https://clockify.me](https://evil.example)", "https://clockify.me"),
        ("[free](javascript:alert(1)) time", "free time"),
        ("an ![alt](data:image/png;base64,AAAA) image", "an image"),
        ("arr[i] (see [1]) and [a](not a link)", "arr[i] (see [1]) and [a](not a link)"),
        ("<https://x.example/a> and <a@b.example>", "https://x.example/a and <a@b.example>"),
        ("Add <client_name> every <period> on the <date>", None),
        ("2 < 3 and a<b and x > y & z", None),
        ("\\- \\#1 non\\-joined 3\\. \\*\\*no\\*\\*", "- #1 non-joined 3. **no**"),
        ("write \\[word\\](url)", "write [word](url)"),
        ("C:\\Program Files\\Clockify", None),
        ("AT&amp;T &lt;b&gt; &#39;x&#39; &copy;", "AT&T <b> 'x' ©"),
        ("&unknown; 100&percent", None),
        ("a<br>b <strong>bold</strong><em>er</em>", "a\nb bolder"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n\n- two"),
        ("<h3 class='x>y'>Head</h3>text", "### Head\n\ntext"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "| a | b |"),
        ("a <!-- hidden\norder --> b", "a b"),
        ("a <script>x = '<p>'</SCRIPT > b <style>p{}</style>c <iframe src=x>d</iframe>", "a b c"),
        ("a <iframe src=x>b", "a b"),
        ("a <script>evil()\nmore\n\nnext", "a\n\nnext"),
        ("a <!-- open\n\nnext", "a\n\nnext"),
        ("Use `[a](b) <b> \\# &amp;` as is", None),
        ("Use ``a ` [b](c)`` as is", None),
        ("a ` lonely [mark](x)", "a ` lonely mark"),
        ("| Code | [Meaning](x) |\n| R1 | one |", "| Code | Meaning |\n| R1 | one |"),
        ("a  b\u00a0 c   d", "a b c d"),
        ("one\n\n\n\ntwo\n\n****\n\nthree", "one\n\ntwo\n\nthree"),
    ],
)  # fmt: skip
def test_markup(markup: str, expected: str | None) -> None:
    assert body(markup) == (markup if expected is None else expected)


def test_code_fence_stays_verbatim() -> None:
    code = (
        "```md\n# Heading#\n---\n[Link](https://x.example)\n\n\n"
        "theSTARTbutton \\- &amp; <b>\nIn this article\n- x\n  3 min read\n```"
    )
    assert body(f"Text\n\n{code}\n\n[after](x)") == f"Text\n\n{code}\n\nafter"


def test_tilde_fence_is_not_closed_by_backticks() -> None:
    assert body("~~~\n```\n[a](b)\n~~~\n[a](b)") == "~~~\n```\n[a](b)\n~~~\na"


def test_unclosed_fence_is_closed_and_named() -> None:
    cleaned = clean("Text\n````\n[a](b)\n```\n", title="T")
    assert cleaned == Cleaned(
        "Text\n````\n[a](b)\n```\n\n````", repairs=("code fence is never closed",)
    )


@pytest.mark.parametrize("indent", [2, 3, 4])
def test_lists_are_at_most_six_levels_deep(indent: int) -> None:
    items = [f"{' ' * indent * level}- item {level}" for level in range(8)]
    tail = [f"{' ' * (indent * 7 + 2)}belongs to 7", "- item 0 again", f"{' ' * indent}- item 1"]
    flat = [line[indent:] if n == 6 else line[indent * 2 :] for n, line in enumerate(items)][6:]
    expected = [*items[:6], *flat, tail[0][indent * 2 :], *tail[1:]]
    assert body("\n".join(items + tail)) == "\n".join(expected)


def test_long_words_are_split_outside_code() -> None:
    cleaned = clean(f"{'y' * 401} z\n\n```\n{'y' * 401}\n```", title="T")
    assert cleaned.body == f"{'y' * 200} {'y' * 200} y z\n\n```\n{'y' * 401}\n```"
    assert cleaned.repairs == ("words longer than 200 characters split",)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("by clicking theSTARTbutton", "by clicking the START button"),
        ("- ClickSave", "- Click Save"),
        ("clickSAVEto go on", "click SAVE to go on"),
        ("Web app athttps://app.clockify.me/x", "Web app at https://app.clockify.me/x"),
        ("open theSettingspage", "open the Settings page"),
        ("copy the URLfrom the ledgerin CSV", "copy the URL from the ledgerin CSV"),
        (
            "write to us atsupport@clockify.meand wait",
            "write to us at support@clockify.me and wait",
        ),
        ("enable it byupgradingyour plan", "enable it by upgrading your plan"),
        ("click **Submit**and wait", "click **Submit** and wait"),
        ("the**Save**button, **N**ew", "the **Save** button, **N**ew"),
        ("the tracker.Admins can", "the tracker. Admins can"),
        ("ClickUpload and choose", "Click Upload and choose"),
        ("ClickUpdate, ClickUp, ClickUps", "Click Update, ClickUp, ClickUps"),
        ("OpenTextfield in OpenText", "Open Text field in OpenText"),
        ("Toggle, ToggleLock", "Toggle, Toggle Lock"),
        ("Todeletea tag", "To delete a tag"),
        ("whocan editand canshareyour plan", "whocan edit and can share your plan"),
        ("ClickUploadand close", "Click Upload and close"),
        ("Openthree-dotsmenu", "Open three-dots menu"),
        ("onthree dots", "on three dots"),
        ("accountand plan,click", "account and plan, click"),
        ("(Mac,Windows,Linux),then", "(Mac, Windows, Linux),then"),
        ("setx=a,b and notes_a,b and a,b", "setx=a,b and notes_a,b and a,b"),
    ],
)
def test_glued_words_are_parted(line: str, expected: str) -> None:
    assert unglue(line, frozenset()) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Saveto and thefilter and theplaybutton", "Save to and the filter and the play button"),
        ("the detailsscreen, reportis", "the details screen, report is"),
        ("managerscan edit policiesinSettings", "managers can edit policies in Settings"),
        ("policiesswitch, managersswitcher", "policies switch, managers switcher"),
        ("the filterThe rest", "the filter The rest"),
        ("Playicon, playmenu, playtab", "Play icon, play menu, play tab"),
        ("savethe filter, policiesby managers", "save the filter, policies by managers"),
    ],
)
def test_words_of_the_article_are_evidence(line: str, expected: str) -> None:
    words = words_of(["Save a filter, play, details of a report, managers, policies"])
    assert unglue(line, words) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "1. Go to theTeampage2. ClickSave3.Done",
            "1. Go to the Team page\n2. Click Save\n3. Done",
        ),
        ("To edit:1. Open it2. Close it", "To edit:\n\n1. Open it\n2. Close it"),
        ("1. Needs version 2. It has 3. More", None),
        ("1. Take 12. Then 3", None),
        ("Version 1. One2. Two", None),
    ],
)
def test_glued_steps_are_parted(line: str, expected: str | None) -> None:
    assert body(line) == (expected or line)


INFO = ["- Info:Name: ALogo: B and C", "- Name: A", "- Logo: B and C", "- Next"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (INFO, ["- Info:", "  - Name: A", "  - Logo: B and C", "- Next"]),
        (["* Info: Name: A", "* Name: A", "  * B"], ["* Info:", "  * Name: A", "  * B"]),
        (
            ["- Enter:Info:Name: ALogo: BSave it", *INFO[:1], "- Name: A", "- Logo: B and C"],
            ["- Enter:Info:Name: ALogo: BSave it", "- Info:", "  - Name: A", "  - Logo: B and C"],
        ),
        (
            ["- Enter:Do:Name: ALogo: BSave", "- Do:Name: ALogo: B",
             "- Name: A", "- Logo: B", "- Save", "- End"],
            ["- Enter:", "  - Do:", "    - Name: A", "    - Logo: B", "  - Save", "- End"],
        ),
        (
            ["- Tap + to add an entryOr press a slot", "- Or press a slot"],
            ["- Tap + to add an entry", "  - Or press a slot"],
        ),
        (["- Click Save", "- Save"], None),
        (["- Save it in the list", "- Save it in the list"], None),
        (["- Info:Name: A", "", "- Name: A"], None),
        (["- Info:Name: A", "Name: A", "- Name: A"], None),
        (["Info:Name: A", "- Name: A"], None),
        (["- Info:Name: A", "    - Name: A"], None),
        (["- Info:Name: A", "- Name: B"], None),
    ],
)  # fmt: skip
def test_sub_lists_are_not_said_twice(lines: list[str], expected: list[str] | None) -> None:
    text = "\n".join(lines)
    assert body(text) == (text if expected is None else "\n".join(expected))
    assert body(body(text)) == body(text)


def test_sub_lists_in_code_stay() -> None:
    text = "```\n- Info:Name: A\n- Name: A\n```"
    assert body(text) == text


def test_long_lists_of_equal_items_take_little_time() -> None:
    text = "- " + "a" * 150 * 100 + "\n" + "- a\n" * 20_000
    assert body(text).endswith("\n- a")


def test_without_evidence_most_words_stay() -> None:
    line = "Homeand theledger and theplaybutton, ledgeris"
    assert unglue(line, frozenset()) == line


NAMES = (
    "QuickBooks JavaScript iPhone iPad macOS GitHub YouTube OneLogin JumpCloud OAuth SAML IdP IDs "
    "APIs URLs PINs OpenID OpenProject ClickUp userId workspaceId pageSize camelCase toString() "
    "onClick=x WordPress PostgreSQL MySQL LaTeX eBay AppStore TickTick HubSpot DevOps login plugin "
    "editor within Toronto homepage option section yourself themselves therein format expand photo "
    "theory theirs android carton Paris domain African button plan.page /the/theFile a.theB "
    "OpenText today tomorrow standby nearby breathe seethe candid willing toggle toggleSwitch "
    "timeline textarea application login pages OpenIDs ids=a,b a,b /x,y user_id,name"
)


@pytest.mark.parametrize("name", NAMES.split())
def test_names_stay_whole(name: str) -> None:
    """Even when the article has all the parts as words."""
    parts = "quick books java script in plug log edit with home self selves there form tor open up"
    parts += " stand near breath user time text area toggle to day morrow will can did"
    line = f"Use {name} for it, {name}."
    assert unglue(line, words_of([parts])) == line


@pytest.mark.parametrize(
    "line",
    [
        "`theSTARTbutton,ToggleLock,todeletea`",
        "https://x.example/theSTART/ClickSave,ClickUpload",
        "www.x.example/theSettingspage",
    ],
)
def test_code_and_addresses_are_not_parted(line: str) -> None:
    assert unglue(line, frozenset({"settings"})) == line


def test_cleaning_twice_changes_nothing_more() -> None:
    text = "# Title\n\n## Steps#\n\n- ClickSave\n\n```\nx\n```\n\n| a | b |\n| 1 | 2 |"
    assert body(body(text)) == body(text)
