"""Numbers of a text: in words, with multipliers, of what, for each of what, and their bounds."""

from __future__ import annotations

import pytest

from core.facts import facts_of, missing, passage_of
from core.number_words import value_of
from core.passages import passages_of
from core.polarity import is_flipped
from core.types import Chunk, Snippet


@pytest.mark.parametrize(
    ("phrase", "value"),
    [
        ("twelve", "12"),
        ("twenty-five", "25"),
        ("twenty five", "25"),
        ("a hundred", "100"),
        ("one hundred and fifty", "150"),
        ("two thousand three hundred and one", "2301"),
        ("one hundred and twenty-five thousand", "125000"),
        ("two and a half million", "2500000"),
        ("half a million", "500000"),
        ("half a dozen", "6"),
        ("two dozen", "24"),
        ("hundreds", "hundreds"),
    ],
)
def test_values_of_words(phrase: str, value: str) -> None:
    assert value_of(phrase) == value


def fault(claim: str, text: str) -> str:
    return missing(facts_of(claim), passage_of(text))


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("It holds 1,000 entries.", "up to 1k entries"),
        ("It holds 1k entries.", "up to 1 000 entries"),
        ("It holds one thousand entries.", "up to 1,000 entries"),
        ("It holds 1000 entries.", "up to a thousand entries"),
        ("It holds 2.5 million entries.", "2,500,000 entries at most"),
        ("It holds 1.5M entries.", "1,500,000 entries"),
        ("There are a dozen of them.", "twelve of them"),
        ("It takes half an hour.", "It takes 30 minutes"),
        ("It takes half a year.", "It takes six months"),
        ("It takes 30 minutes.", "It takes half an hour"),
        ("An entry of 1h 30m is long.", "an entry of 1h 30m"),
        ("An entry of 30m is long.", "an entry of 1h 30m"),
        ("It takes 30 minutes.", "It takes 30m."),
        ("It holds two and a half million entries.", "2,500,000 entries"),
        ("It holds 2,500,000 entries.", "two and a half million entries"),
        ("The limit is twenty.", "The limit is 20."),
        ("It is 1 month.", "a month"),
        ("It lasts for a month.", "It lasts 1 month."),
        ("It lasts for a month.", "It is sent monthly."),
        ("Pick a day.", "Pick the date."),
        ("Add time for a day.", "Add time for any day."),
        ("A 30-day trial is given.", "a trial of 30 days"),
        ("The trial is 30 days.", "a 30-day trial"),
        ("We help 24/7.", "help is there 24/7"),
        ("It works with SAML 2.0.", "SAML 2.0 works"),
        ("It is sent twice a year.", "It is sent two times."),
        ("It starts at 9:30.", "from 09:30"),
        ("It began on 5 May 2024.", "since May 5, 2024"),
        ("You can see two of them.", "Both are shown."),
        ("It is the 2nd of the month.", "on the 2nd"),
    ],
)
def test_numbers_that_are_the_same(claim: str, text: str) -> None:
    assert fault(claim, text) == ""


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("It holds 10k entries.", "10 entries"),
        ("It holds 10 thousand entries.", "10 entries"),
        ("It holds a hundred entries.", "10 entries"),
        ("It holds ten entries.", "ten thousand entries"),
        ("It holds 1.5M entries.", "1.5 entries"),
        ("It holds twenty-five entries.", "20 and 5 entries"),
        ("It holds hundreds of entries.", "100 entries"),
        ("It lasts for a year.", "It lasts 30 days."),
        ("It lasts half a year.", "It lasts 1 year."),
        ("It lasts forever.", "It lasts 30 days."),
        ("It lasts forever.", "It can be restored within 30 days."),
        ("It holds as many entries as you like.", "10 entries"),
    ],
)
def test_other_numbers(claim: str, text: str) -> None:
    assert fault(claim, text) == "number"


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("It has no limit.", "unlimited"),
        ("Unlimited users fit.", "There is no limit on users."),
        ("As many users as you like fit.", "unlimited users"),
        ("It isn't limited to admins.", "Admins and others can."),
        ("It stays forever.", "It stays for good."),
        ("It is lost forever.", "It cannot be undone."),
    ],
)
def test_what_has_no_end(claim: str, text: str) -> None:
    assert fault(claim, text) == ""


UP_TO = (
    "up to 10 users",
    "at most 10 users",
    "10 users at most",
    "a maximum of 10 users",
    "limited to 10 users",
    "no more than 10 users",
    "It can't have more than 10 users",
    "It must not exceed 10 users",
    "10 users or fewer",
)
FROM = (
    "at least 10 users",
    "more than 10 users",
    "over 10 users",
    "a minimum of 10 users",
    "no fewer than 10 users",
    "10 or more users",
    "10+ users",
    "10 users or more",
)


class TestBounds:
    @pytest.mark.parametrize("claim", UP_TO)
    def test_at_most(self, claim: str) -> None:
        assert [fault(claim, text) for text in UP_TO] == [""] * len(UP_TO)
        assert [fault(claim, text) for text in FROM] == ["number"] * len(FROM)

    @pytest.mark.parametrize("claim", FROM)
    def test_at_least(self, claim: str) -> None:
        assert [fault(claim, text) for text in FROM] == [""] * len(FROM)
        assert [fault(claim, text) for text in UP_TO] == ["number"] * len(UP_TO)

    @pytest.mark.parametrize(
        "claim",
        [
            "10 users",
            "If you have more than 10 users, upgrade.",
            "For more than 10 users, upgrade.",
        ],
    )
    def test_either(self, claim: str) -> None:
        assert {fault(claim, text) for text in (*UP_TO, *FROM)} == {""}

    def test_a_limit_denies_nothing(self) -> None:
        text = "You can invite up to 10 users."
        units = passages_of(Snippet(1, Chunk("c", "a", "t", (), text, None, 0, 1), text)).units
        assert not is_flipped("You can't invite more than ten users.", units)
        assert is_flipped("You can't invite 10 users.", units)


class TestRates:
    PRICE = "It costs 7 dollars per user per month."

    @pytest.mark.parametrize(
        "claim",
        [
            "It costs $7.",
            "It costs $7 per user.",
            "It costs $7 a month.",
            "It costs USD 7 monthly.",
            "It costs 7 USD each month.",
            "It costs $7/user/month.",
            "It costs $7 per seat and month.",
            "It costs seven dollars a month for each member.",
            "It costs $7 per user, per month.",
            "It costs $7 per user per month, billed yearly.",
        ],
    )
    def test_the_same(self, claim: str) -> None:
        assert fault(claim, self.PRICE) == ""

    @pytest.mark.parametrize(
        "claim",
        [
            "It costs $7 per year.",
            "It costs $7 yearly.",
            "It costs $7 per user per year.",
            "It costs $7 per workspace.",
            "It costs $7 per project and month.",
            "It costs $7k a month.",
        ],
    )
    def test_other_ones(self, claim: str) -> None:
        assert fault(claim, self.PRICE) == "number"

    def test_no_rate(self) -> None:
        assert fault("It costs $7, year after year.", "It costs $7 a month.") == ""

    def test_requests_have_them_too(self) -> None:
        assert fault("It takes 50 requests per minute.", "50 requests per second") == "number"
        assert fault("It takes 50 requests per second.", "50 requests per second") == ""

    def test_a_table_names_them_elsewhere(self) -> None:
        row = passage_of("Plan: Pro; Billed monthly: $7")
        assert missing(facts_of("It costs $7 per user per month."), row) == ""
        assert missing(facts_of("It costs $7 per project."), row) == "number"


class TestThings:
    TEXT = "A project holds up to 100 tasks and 5 templates."

    @pytest.mark.parametrize(
        "claim", ["up to 5 tasks", "100 templates", "5 tasks and 100 templates"]
    )
    def test_exchanged(self, claim: str) -> None:
        assert fault(f"It holds {claim}.", self.TEXT) == "number"

    @pytest.mark.parametrize(
        "claim", ["100 tasks", "5 active templates", "5 of them", "5 saved layouts"]
    )
    def test_kept(self, claim: str) -> None:
        assert fault(f"It holds {claim}.", self.TEXT) == ""

    def test_the_same_thing_in_another_word(self) -> None:
        assert fault("It has 5 members.", "It has 5 users and 7 members.") == ""
