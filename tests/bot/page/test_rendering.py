"""Slack's mrkdwn, Markdown and Block Kit → exactly the elements they stand for."""

from __future__ import annotations

import pytest

from .chat import Chat

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

RENDER = """async ([file, name, source]) => {
  const { Directory } = await import("/page/directory.js");
  const state = await (await fetch("/sim/state?as=U0ANN")).json();
  const render = (await import(`/page/${file}.js`))[name];
  const context = { directory: new Directory(state, "U0ANN"), pressed: new Map() };
  const node = render(source, name === "renderBlocks" ? context : context.directory);
  for (const link of node.querySelectorAll("a")) {
    for (const attribute of ["target", "rel", "title"]) link.removeAttribute(attribute);
  }
  return node.innerHTML;
}"""

MRKDWN = {
    "*bold* _it_ ~no~ `a*b*`": "<strong>bold</strong> <em>it</em> <s>no</s> <code>a*b*</code>",
    "*bold _both_*": "<strong>bold <em>both</em></strong>",
    "2 * 3 * 4, snake_case_name, a*b*c": "2 * 3 * 4, snake_case_name, a*b*c",
    "*not\nbold*": "*not\nbold*",
    "<https://a.de/?x=1&amp;y=2|A &lt;b&gt;>": (
        '<a href="https://a.de/?x=1&amp;y=2">A &lt;b&gt;</a>'
    ),
    "(https://a.de/x_(y)), ok": '(<a href="https://a.de/x_(y)">https://a.de/x_(y)</a>), ok',
    "<@U0ADA> <@U0ANN> <#C0RND> <!here>": (
        '<span class="pill">@Ada Admin</span> <span class="pill pill-me">@Ann Agent</span> '
        '<span class="pill">#random</span> <span class="pill pill-me">@here</span>'
    ),
    "&amp;lt; &lt;@U0ADA&gt;": "&amp;lt; &lt;@U0ADA&gt;",
    ":tada: :no_such_name: 10:30:00": "🎉 :no_such_name: 10:30:00",
    "<javascript:alert(1)|click>": "click",
    "• one\n• two": "• one\n• two",
}
MRKDWN_BLOCKS = {
    "a\n&gt; b\n> c\nd": "<div>a</div><blockquote>b\nc</blockquote><div>d</div>",
    "a ```\nx *y* &lt;z&gt;\n``` b": (
        "<div>a </div><pre><code>x *y* &lt;z&gt;</code></pre><div> b</div>"
    ),
    "open ``` fence": "<div>open ``` fence</div>",
}
MARKDOWN = {
    "# One\n### Three *it*": (
        '<h3 class="level-1">One</h3><h5 class="level-3">Three <em>it</em></h5>'
    ),
    "**b** *i* __b__ _i_ ***x*** ~~s~~": (
        "<p><strong>b</strong> <em>i</em> <strong>b</strong> <em>i</em> "
        "<em><strong>x</strong></em> <s>s</s></p>"
    ),
    "*a **b** c* and **a *b* c**": (
        "<p><em>a <strong>b</strong> c</em> and <strong>a <em>b</em> c</strong></p>"
    ),
    "snake_case_name 2 * 3 * 4 \\*no\\*": "<p>snake_case_name 2 * 3 * 4 *no*</p>",
    "`` a`b `` `<b>`": "<p><code>a`b</code> <code>&lt;b&gt;</code></p>",
    "```js\n# x <b>\n```\nafter": "<pre><code># x &lt;b&gt;</code></pre><p>after</p>",
    "1. one\n   - in\n     - deeper\n2. two\n\n3. three": (
        "<ol><li><div>one</div><ul><li><div>in</div><ul><li><div>deeper</div></li></ul></li></ul>"
        "</li><li><div>two</div></li><li><div>three</div></li></ol>"
    ),
    "- [x] done\n- [ ] open": "<ul><li><div>☑ done</div></li><li><div>☐ open</div></li></ul>",
    "3. third": '<ol start="3"><li><div>third</div></li></ol>',
    "> a\n> - b": "<blockquote><p>a</p><ul><li><div>b</div></li></ul></blockquote>",
    "[a *b*](https://a.de/(x) 'title') <https://b.de|B>": (
        '<p><a href="https://a.de/(x)">a <em>b</em></a> <a href="https://b.de/">B</a></p>'
    ),
    "[bad](javascript:alert(1)) ![alt](data:text/html,x)": (
        "<p><span>bad</span> <span>alt</span></p>"
    ),
    "a\nb\n\n---\nc": "<p>a\nb</p><hr><p>c</p>",
    "<b>x</b> &amp; <img src=x>": "<p>&lt;b&gt;x&lt;/b&gt; &amp; &lt;img src=x&gt;</p>",
}
TABLE = "| A | B \\| C |\n|:--|--:|\n| **1** | 2 |\n| only |"


@pytest.fixture(scope="module")
def cases() -> list[tuple[str, str, object, str]]:
    inside = [("mrkdwn", "mrkdwn", text, f"<div>{html}</div>") for text, html in MRKDWN.items()]
    whole = [("mrkdwn", "mrkdwn", text, html) for text, html in MRKDWN_BLOCKS.items()]
    marked = [("markdown", "markdown", text, html) for text, html in MARKDOWN.items()]
    return [*inside, *whole, *marked]


async def test_texts_become_exactly_their_elements(
    chat: Chat, cases: list[tuple[str, str, object, str]]
) -> None:
    await chat.open()
    shown = {
        str(source): await chat.page.evaluate(RENDER, [file, name, source])
        for file, name, source, _ in cases
    }
    assert shown == {str(source): html for _, _, source, html in cases}


async def test_markdown_tables_align_and_fill_short_rows(chat: Chat) -> None:
    await chat.open()
    html = await chat.page.evaluate(RENDER, ["markdown", "markdown", TABLE])
    assert html == (
        '<div class="table-place" tabindex="0" role="region" aria-label="Table"><table><thead>'
        '<tr><th scope="col">A</th><th class="align-right" scope="col">B | C</th></tr></thead>'
        '<tbody><tr><td><strong>1</strong></td><td class="align-right">2</td></tr>'
        '<tr><td>only</td><td class="align-right"></td></tr></tbody></table></div>'
    )


async def test_blocks_become_exactly_their_elements(chat: Chat) -> None:
    await chat.open()
    plain = {"type": "plain_text", "text": "Hi :wave: *x*"}
    rich = [
        {"type": "text", "text": "b", "style": {"bold": True, "italic": True}},
        {"type": "link", "url": "https://a.de", "text": "A"},
        {"type": "user", "user_id": "U0ADA"},
        {"type": "emoji", "name": "nothing", "unicode": "1f389"},
    ]
    item = {"type": "rich_text_section", "elements": rich[:1]}
    blocks = [
        {"type": "header", "text": plain},
        {"type": "section", "text": {"type": "mrkdwn", "text": "https://a.de", "verbatim": True}},
        {"type": "section", "fields": [plain]},
        {"type": "divider"},
        {"type": "image", "image_url": "https://a.de/x.png", "alt_text": "a chart"},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": rich}]},
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_list", "style": "ordered", "indent": 1, "elements": [item]}
            ],
        },
        {"type": "video"},
    ]
    html = await chat.page.evaluate(RENDER, ["blocks", "renderBlocks", blocks])
    bold = "<strong><em>b</em></strong>"
    words = '<span class="plain" dir="auto">Hi 👋 *x*</span>'
    assert html.split("\n") == [
        '<h3 class="header-block">Hi 👋 *x*</h3>'
        '<div class="section"><div class="section-body"><div class="mrkdwn" dir="auto">'
        "<div>https://a.de</div></div></div></div>"
        f'<div class="section"><div class="section-body"><div class="fields"><div>{words}</div>'
        "</div></div></div><hr>"
        '<p><span class="image-text">Image: a chart</span></p>'
        f'<div class="rich-text" dir="auto"><div>{bold}<a href="https://a.de/">A</a>'
        '<span class="pill">@Ada Admin</span>🎉</div></div>'
        f'<div class="rich-text" dir="auto"><ol class="indent-1"><li>{bold}</li></ol></div>'
        '<p class="unknown">The local Slack does not show “video”.</p>'
    ]


async def test_deep_and_unbalanced_texts_are_shown_at_once(chat: Chat) -> None:
    await chat.open()
    for source in ("> " * 3000, "*a " * 4000, "[" * 6000, "- " * 3000, "**_" * 3000, "<" * 9000):
        for file in ("markdown", "mrkdwn"):
            script = f"""async (argument) => {{
              const start = performance.now();
              await ({RENDER})(argument);
              return performance.now() - start;
            }}"""
            assert await chat.page.evaluate(script, [file, file, source]) < 1_500
