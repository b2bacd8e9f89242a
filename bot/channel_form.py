"""The modal for a channel's settings as a view, and what an admin chose, read back. Pure functions.

The inputs' block ids name the channel: Slack keeps what stands in a block when a view is updated,
and the settings of one channel must not be taken for another's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import form_texts, home_texts
from .blocks import MAX_SECTION_CHARS, context, cut, section
from .channel_rules import ChannelRules, Mode
from .config import CHANNEL_ID
from .markup import escape
from .message import Block

CHANNEL_FORM = "channel_form"
CHANNEL_BLOCK, CHANNEL_ACTION = "channel", "channel_choice"
MODE, FLAGS, FOLDERS = "mode", "flags", "folders"  # "<name>:<channel>" is the block_id
INPUT = "input"  # the action_id of each block's one element
PRIVATE, EXTERNAL = "private", "external"

MAX_FOLDERS = 100  # Slack: options of a select
MAX_FOLDER_CHARS = 150  # Slack: of an option's value
MAX_OPTION_CHARS = 75
MAX_LIST_SECTIONS = 8
MAX_LINE_CHARS = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPage:
    """What the form shows; channel is "" until one is chosen.

    settings are those of all channels that have some, folders those of the knowledge.
    """

    channel: str = ""
    settings: Mapping[str, ChannelRules]
    folders: Sequence[str] = ()
    hears: bool = True  # messages of channels without a mention have arrived


@dataclass(frozen=True, slots=True)
class ChannelWish:
    """What an admin wants for a channel."""

    channel: str
    rules: ChannelRules


def channel_view(page: ChannelPage) -> Block:
    """Make the form."""
    blocks = [section(home_texts.CHANNEL_INTRO), _channel_choice(page.channel)]
    view: Block = {
        "type": "modal",
        "callback_id": CHANNEL_FORM,
        "title": _plain(home_texts.CHANNEL_TITLE),
        "close": _plain(form_texts.CLOSE),
    }
    if page.channel:
        rules = page.settings.get(page.channel, ChannelRules())
        blocks += _inputs(page, rules)
        view["submit"] = _plain(home_texts.CHANNEL_SUBMIT)
    return view | {"blocks": [*blocks, {"type": "divider"}, *_list(page.settings)]}


def chosen_channel(view: Mapping[str, Any]) -> str:
    """Give the channel that is chosen in a form; "" for what is no channel."""
    chosen = _state(view, CHANNEL_BLOCK, CHANNEL_ACTION).get("selected_conversation")
    return chosen if isinstance(chosen, str) and CHANNEL_ID.fullmatch(chosen) else ""


def read_wish(view: Mapping[str, Any]) -> ChannelWish | None:
    """Read a form; None for one that does not hold the settings of the chosen channel."""
    channel = chosen_channel(view)
    mode = _values(_state(view, f"{MODE}:{channel}").get("selected_option"))
    flags = _values(_state(view, f"{FLAGS}:{channel}").get("selected_options"))
    folders = _values(_state(view, f"{FOLDERS}:{channel}").get("selected_options"))
    if not channel or len(mode) != 1 or mode[0] not in set(Mode):
        return None
    if len(folders) > MAX_FOLDERS or any(len(name) > MAX_FOLDER_CHARS for name in folders):
        return None
    rules = ChannelRules(
        mode=Mode(mode[0]),
        is_private=PRIVATE in flags,
        folders=tuple(sorted(set(folders))),
        allows_external=EXTERNAL in flags,
    )
    return ChannelWish(channel, rules)


def rules_told(rules: ChannelRules) -> str:
    """Say settings in a line of mrkdwn."""
    return home_texts.rules_told(rules, [escape(folder) for folder in rules.folders])


def _channel_choice(channel: str) -> Block:
    element: Block = {
        "type": "conversations_select",
        "action_id": CHANNEL_ACTION,
        "placeholder": _plain(home_texts.CHANNEL_PLACEHOLDER),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    element |= {"initial_conversation": channel} if channel else {}
    return section(home_texts.CHANNEL_CHOOSE) | {"block_id": CHANNEL_BLOCK, "accessory": element}


def _inputs(page: ChannelPage, rules: ChannelRules) -> Iterable[Block]:
    modes = {mode.value: _option(mode.value, *said) for mode, said in home_texts.MODES.items()}
    radios: Block = {"type": "radio_buttons", "options": list(modes.values())}
    radios["initial_option"] = modes[rules.mode.value]
    yield _input(f"{MODE}:{page.channel}", home_texts.CHANNEL_MODE, radios)
    if not page.hears:
        yield context([home_texts.AUTO_UNHEARD])
    yield _flags(page.channel, rules)
    yield from _folders(page, rules)


def _flags(channel: str, rules: ChannelRules) -> Block:
    offered = {
        PRIVATE: _option(PRIVATE, *home_texts.PRIVATE_FLAG),
        EXTERNAL: _option(EXTERNAL, *home_texts.EXTERNAL_FLAG),
    }
    is_set = {PRIVATE: rules.is_private, EXTERNAL: rules.allows_external}
    boxes: Block = {"type": "checkboxes", "options": list(offered.values())}
    set_already = [option for name, option in offered.items() if is_set[name]]
    boxes |= {"initial_options": set_already} if set_already else {}
    return _input(f"{FLAGS}:{channel}", home_texts.CHANNEL_FLAGS, boxes) | {"optional": True}


def _folders(page: ChannelPage, rules: ChannelRules) -> Iterable[Block]:
    """Offer the folders of the knowledge; those that are set come first and are always there."""
    others = [name for name in page.folders if name not in rules.folders]
    fitting = [name for name in (*rules.folders, *others) if len(name) <= MAX_FOLDER_CHARS]
    options = {
        name: _option(name, name if name in page.folders else f"{name} ({home_texts.FOLDER_GONE})")
        for name in fitting[:MAX_FOLDERS]
    }
    if not options:
        return
    element: Block = {
        "type": "multi_static_select",
        "placeholder": _plain(home_texts.FOLDERS_PLACEHOLDER),
        "options": list(options.values()),
    }
    set_already = [options[name] for name in rules.folders if name in options]
    element |= {"initial_options": set_already} if set_already else {}
    is_cut = len(options) < len(rules.folders) + len(others)
    hint = home_texts.FOLDERS_HINT_CUT if is_cut else home_texts.FOLDERS_HINT
    label = home_texts.CHANNEL_FOLDERS
    yield _input(f"{FOLDERS}:{page.channel}", label, element, hint=hint) | {"optional": True}


def _list(settings: Mapping[str, ChannelRules]) -> Iterable[Block]:
    """List channels whose settings are not the usual ones, as many as a form takes."""
    special = [(c, rules) for c, rules in sorted(settings.items()) if rules != ChannelRules()]
    if not special:
        yield context([home_texts.CHANNEL_LIST_EMPTY])
        return
    lines = [_line(channel, rules) for channel, rules in special]
    shown, parts = 0, [home_texts.CHANNEL_LIST]
    for line in lines:
        if len(parts[-1]) + len(line) >= MAX_SECTION_CHARS:
            if len(parts) == MAX_LIST_SECTIONS:
                break
            parts.append("")
        parts[-1] += f"\n{line}"
        shown += 1
    yield from (section(part.strip()) for part in parts)
    if shown < len(lines):
        yield context([home_texts.more_channels(len(lines) - shown)])


def _line(channel: str, rules: ChannelRules) -> str:
    return cut(home_texts.channel_line(channel, rules_told(rules)), MAX_LINE_CHARS)


def _state(view: Mapping[str, Any], block: str, action: str = INPUT) -> Mapping[str, Any]:
    found: Any = view
    for name in ("state", "values", block, action):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _values(chosen: Any) -> list[str]:
    """Give the values of one or several chosen options."""
    options = chosen if isinstance(chosen, list) else [chosen]
    values = [option.get("value") for option in options if isinstance(option, Mapping)]
    return [value for value in values if isinstance(value, str) and value]


def _input(block: str, label: str, element: Block, *, hint: str = "") -> Block:
    return {
        "type": "input",
        "block_id": block,
        "label": _plain(label),
        "element": element | {"action_id": INPUT},
        **({"hint": _plain(hint)} if hint else {}),
    }


def _option(value: str, text: str, description: str = "") -> Block:
    shown = text if len(text) <= MAX_OPTION_CHARS else f"{text[: MAX_OPTION_CHARS - 1]}…"
    said = {"description": _plain(description)} if description else {}
    return {"text": _plain(shown), "value": value, **said}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
