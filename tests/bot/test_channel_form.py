"""A channel's settings: the form, what is read back from it, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import home_texts
from bot.channel_form import (
    CHANNEL_ACTION,
    CHANNEL_BLOCK,
    CHANNEL_FORM,
    MAX_FOLDERS,
    ChannelPage,
    ChannelWish,
    channel_view,
    chosen_channel,
    read_wish,
)
from bot.channel_rules import ChannelRules, ChannelRulesTable, Mode
from bot.channel_settings import SettingsChange
from bot.database import Database
from bot.simulator.inputs import initial_values
from bot.simulator.view_rules import check_view

from .conftest import ROOT, Bench, Json, Starter, words
from .homes import modal_with, open_home, press
from .inert import Allowed, block_problems

FOLLOW_UPS = ROOT / "docs" / "manifests" / "follow-ups.yml"
STRICT = ChannelRules(Mode.AUTO, is_private=True, folders=("billing", "gone"), allows_external=True)
FOLDERS = ("apps", "billing", "<!channel>")


def page(channel: str = "C0GEN", rules: ChannelRules = STRICT, **changes: object) -> ChannelPage:
    """Make what the form shows."""
    values = {"channel": channel, "settings": {"C0GEN": rules}, "folders": FOLDERS} | changes
    return ChannelPage(**values)  # type: ignore[arg-type]


def untouched(shown: ChannelPage) -> Json:
    """Give the form as it comes back when nobody has changed anything."""
    view = channel_view(shown)
    return view | {"state": {"values": initial_values(check_view(view, "modal")["blocks"])}}


@pytest.mark.parametrize(
    "rules",
    [
        STRICT,
        ChannelRules(),
        ChannelRules(Mode.OFF, allows_external=True),
        ChannelRules(is_private=True, folders=("apps",)),
    ],
    ids=str,
)
def test_a_form_that_is_sent_as_it_opened_changes_nothing(rules: ChannelRules) -> None:
    assert read_wish(untouched(page(rules=rules))) == ChannelWish("C0GEN", rules)


def test_a_channel_without_settings_opens_with_the_usual_ones() -> None:
    assert read_wish(untouched(page(channel="C0NEW"))) == ChannelWish("C0NEW", ChannelRules())


def test_before_a_channel_is_chosen_nothing_can_be_sent() -> None:
    view = untouched(page(channel=""))
    assert "submit" not in view
    assert (chosen_channel(view), read_wish(view)) == ("", None)


def test_the_settings_of_one_channel_are_not_taken_for_another() -> None:
    view = untouched(page())
    view["state"]["values"][CHANNEL_BLOCK][CHANNEL_ACTION]["selected_conversation"] = "C0RND"
    assert (chosen_channel(view), read_wish(view)) == ("C0RND", None)


@pytest.mark.parametrize("channel", ["", "D0ANN", "c0gen", "C0GEN\n", "U0ADA", None, 7, ["C0GEN"]])
def test_what_is_no_channel_is_none(channel: object) -> None:
    view = untouched(page())
    view["state"]["values"][CHANNEL_BLOCK][CHANNEL_ACTION]["selected_conversation"] = channel
    assert read_wish(view) is None


@pytest.mark.parametrize("channel", ["D0ANN", "c0gen", "U0ADA", "C0GEN C0RND"])
def test_a_form_that_is_forged_for_what_is_no_channel_is_none(channel: str) -> None:
    assert read_wish(untouched(page(channel=channel))) is None


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"state": None},
        {"state": {"values": []}},
        {"state": {"values": {CHANNEL_BLOCK: "x"}}},
    ],
    ids=str,
)
def test_a_form_without_its_state_is_none(broken: Json) -> None:
    assert read_wish({"callback_id": CHANNEL_FORM, **broken}) is None


@pytest.mark.parametrize(
    ("block", "state"),
    [
        ("mode", {"selected_option": {"value": "always"}}),
        ("mode", {"selected_option": None}),
        ("mode", {}),
        ("mode", {"selected_option": {"value": ["off"]}}),
        ("folders", {"selected_options": [{"value": "x" * 151}]}),
        ("folders", {"selected_options": [{"value": str(n)} for n in range(MAX_FOLDERS + 1)]}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_the_form_does_not_offer_is_refused(block: str, state: Json) -> None:
    view = untouched(page())
    view["state"]["values"][f"{block}:C0GEN"]["input"] = state
    assert read_wish(view) is None


def test_the_fullest_form_is_below_every_limit_and_inert() -> None:
    folders = [f"folder {n} " + "x" * (n + 1) for n in range(400)]
    rules = ChannelRules(Mode.AUTO, True, ("<!channel> evil.com", *folders[100:140]), True)
    settings = {f"C{n:04}": rules for n in range(300)} | {"C0GEN": rules}
    view = channel_view(page(settings=settings, folders=folders, hears=False))
    check_view(view, "modal")
    shown = [block for block in view["blocks"] if "C0299" in words({"blocks": block})]
    assert shown == []
    assert "more. Choose one above" in words(view)
    assert home_texts.FOLDERS_HINT_CUT in words(view)
    channels = frozenset(f"<#{channel}>" for channel in settings)
    assert [*block_problems(view["blocks"], Allowed(mentions=channels))] == []


def test_folders_that_are_set_are_offered_although_they_are_gone() -> None:
    shown = words(channel_view(page()))
    assert "gone (not in the knowledge now)" in shown
    assert "No channel has settings" not in shown


def test_usual_settings_are_not_listed() -> None:
    assert home_texts.CHANNEL_LIST_EMPTY in words(channel_view(page(rules=ChannelRules())))


def test_a_task_holds_all_of_it() -> None:
    change = SettingsChange("view V1 h", "U0ADA", "T0SIM", ChannelWish("C0GEN", STRICT))
    assert SettingsChange.of(change.to_task()) == change


async def opened(bench: Bench, user: str = "U0ADA") -> Json:
    """Open the form from the Home."""
    home = await open_home(bench, user, "For admins")
    await press(bench, user, home, "home_channels")
    return await modal_with(bench, user, "Choose a channel")


async def choose(bench: Bench, user: str, view: Json, channel: str) -> Json:
    """Choose a channel and wait for its settings."""
    await bench.sim.people.view_action(
        user, view["id"], block_id=CHANNEL_BLOCK, action_id=CHANNEL_ACTION, value=channel
    )
    return await modal_with(bench, user, f"mode:{channel}")


async def saved_rules(bench: Bench) -> dict[str, ChannelRules]:
    """Read the settings from the disk."""
    database = await Database.open(Path(bench.slack.state_file))
    try:
        return await ChannelRulesTable(database).all()
    finally:
        await database.close()


async def test_an_admin_sets_a_channel_and_the_bot_keeps_to_it(start: Starter) -> None:
    bench = await start(folders=lambda: ("invoices", "track-time"))
    view = await choose(bench, "U0ADA", await opened(bench), "C0GEN")
    assert home_texts.CHANNEL_LIST_EMPTY in words(view)
    wishes = {
        "mode:C0GEN": {"input": "mentions"},
        "flags:C0GEN": {"input": ["private"]},
        "folders:C0GEN": {"input": ["track-time"]},
    }
    assert await bench.sim.people.submit("U0ADA", view["id"], wishes) == {}
    assert home_texts.CHANNEL_ON_ITS_WAY in words(bench.sim.modal("U0ADA") or {})
    told = "Saved for <#C0GEN>: I answer when I am mentioned, privately, from track-time."
    await bench.direct("U0ADA", told)
    expected = ChannelRules(is_private=True, folders=("track-time",))
    assert await saved_rules(bench) == {"C0GEN": expected}
    line = bench.audit()[-1]
    assert (line["user"], line["channel"], line["allowed"]) == ("U0ADA", "C0GEN", True)
    assert (line["subcommand"], line["outcome"]) == ("channel settings", "saved")
    assert line["change"] == "mentions, private, without other companies, folders: track-time"

    ts = await bench.sim.post("U0ANN", "C0GEN", "@clockify-bot how do I lock and track time?")
    await bench.private("U0ANN", "C0GEN", "start button of the timer", ts)
    assert bench.replies("C0GEN", ts) == []
    assert bench.asker.asked[-1].folders == ("track-time",)


async def test_choosing_another_channel_shows_its_own_settings(bench: Bench) -> None:
    view = await choose(bench, "U0ADA", await opened(bench), "C0GEN")
    wishes = {"mode:C0GEN": {"input": "off"}}
    await bench.sim.people.submit("U0ADA", view["id"], wishes)
    await bench.direct("U0ADA", "Saved for <#C0GEN>: I answer never.")
    view = await choose(bench, "U0ADA", await opened(bench), "C0RND")
    assert "• <#C0GEN>: I answer never" in words(view)
    assert initial(view, "C0RND") == "mentions"
    view = await choose(bench, "U0ADA", view, "C0GEN")
    assert initial(view, "C0GEN") == "off"


def initial(view: Json, channel: str) -> str:
    """Give the mode that a form shows for a channel."""
    state = view["state"]["values"][f"mode:{channel}"]["input"]
    return str(state["selected_option"]["value"])


async def test_the_form_says_when_no_channel_message_was_ever_heard(bench: Bench) -> None:
    view = await choose(bench, "U0ADA", await opened(bench), "C0GEN")
    assert "made without the event `message.channels`" in words(view)


@pytest.mark.parametrize("manifest", [FOLLOW_UPS], ids=["follow-ups.yml"])
async def test_questions_are_answered_unasked_once_an_admin_wants_it(bench: Bench) -> None:
    await bench.sim.post("U0ANN", "C0GEN", "how do I track time?")
    await bench.ask("U0ANN", "D0ANN", "how do I send invoices?")  # so the one before was heard
    view = await choose(bench, "U0ADA", await opened(bench), "C0GEN")
    assert "message.channels" not in words(view)
    wishes = {"mode:C0GEN": {"input": "auto"}}
    await bench.sim.people.submit("U0ADA", view["id"], wishes)
    await bench.direct("U0ADA", "Saved for <#C0GEN>: I answer every question.")
    ts = await bench.sim.post("U0ANN", "C0GEN", "how do I lock timesheets?")
    assert "Workspace settings" in words(await bench.reply_to("C0GEN", ts))
    assert [question.text for question in bench.asker.asked] == [
        "how do I send invoices?",
        "how do I lock timesheets?",
    ]
