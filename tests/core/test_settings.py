"""Settings: every knob is read, and a bad value is named with its variable and what is allowed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.config import STATE_DIR, Config, default_index_dir
from core.errors import SettingsError
from core.settings import SettingRow, read_settings, setting, setting_rows, to_environment

FIELDS = {item.metadata["env"]: item for item in dataclasses.fields(Config) if item.metadata}
NUMBERS = [env for env, item in FIELDS.items() if type(item.default) in (int, float)]

GIVEN: dict[str, tuple[str, Any]] = {
    "KNOWLEDGE": ("kb/pages", Path("kb/pages")),
    "INDEX": ("idx", Path("idx")),
    "EMBEDDER": ("ollama", "ollama"),
    "ANSWERER": ("extractive", "extractive"),
    "OLLAMA_URL": ("http://10.0.0.2:1", "http://10.0.0.2:1"),
    "OLLAMA_API_KEY": ("sk-7", "sk-7"),
    "GEN_MODEL": ("llama3.2", "llama3.2"),
    "EMB_MODEL": ("all-minilm", "all-minilm"),
    "EMB_CONNECT_TIMEOUT": ("1.5", 1.5),
    "EMB_READ_TIMEOUT": ("2", 2.0),
    "CHAT_CONNECT_TIMEOUT": ("0.1", 0.1),
    "CHAT_READ_TIMEOUT": ("3600", 3600.0),
    "RETRIES": ("0", 0),
    "QUESTION_DEADLINE_SECONDS": ("60", 60.0),
    "RERANK": ("true", True),
    "FOLLOW_UPS": ("rules", "rules"),
    "TOPK": ("20", 20),
    "PACK": ("3", 3),
    "THRESHOLD": ("0.55", 0.55),
    "CTX_BUDGET": ("1000", 1000),
    "CHARS_PER_TOKEN": ("3.5", 3.5),
    "MMR_LAMBDA": ("1", 1.0),
    "SEED": ("7", 7),
    "NUM_CTX": ("4096", 4096),
    "NUM_PREDICT": ("64", 64),
    "MAX_QUESTION_CHARS": ("500", 500),
    "MAX_FILE_MB": ("1", 1),
    "MAX_ARTICLE_KB": ("9", 9),
    "BUILD_LOCK_TIMEOUT": ("0", 0.0),
    "BUILD_NICE": ("19", 19),
    "QUALITY_QUESTIONS": ("kb/asked.jsonl", Path("kb/asked.jsonl")),
    "QUALITY_FLOOR": ("0.8", 0.8),
    "CACHE_MAX_MB": ("64", 64),
}


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as bad:
        Config.from_env(environ)
    assert bad.value.exit_code == 2
    return str(bad.value)


class TestConfig:
    def test_the_list_above_has_every_knob(self) -> None:
        assert list(GIVEN) == list(FIELDS)

    def test_defaults(self) -> None:
        assert Config.from_env({}) == Config()
        assert Config.from_env(dict.fromkeys(FIELDS, "  ")) == Config()

    @pytest.mark.parametrize("env", GIVEN)
    def test_each_knob_is_read_alone(self, env: str) -> None:
        raw, value = GIVEN[env]
        config = Config.from_env({env: f" {raw} ", "OTHER": "ignored"})
        got = getattr(config, FIELDS[env].name)
        assert got == value
        assert type(got) is type(value)
        assert got != FIELDS[env].default
        others = [item.name for item in FIELDS.values() if item.metadata["env"] != env]
        assert all(getattr(config, name) == getattr(Config(), name) for name in others)

    def test_a_child_process_gets_equal_settings(self) -> None:
        config = Config.from_env({env: raw for env, (raw, _) in GIVEN.items()})
        assert Config.from_env(to_environment(config)) == config
        assert Config.from_env(to_environment(Config())) == Config()

    @pytest.mark.parametrize("env", NUMBERS)
    def test_bounds_are_inclusive(self, env: str) -> None:
        low, high = FIELDS[env].metadata["low"], FIELDS[env].metadata["high"]
        assert low is not None, "a number without bounds"
        assert high is not None, "a number without bounds"
        allowed = f"{env} is {{}}; it must be from {low} to {high}."
        step = 1 if isinstance(FIELDS[env].default, int) else 0.01
        for bound, beyond in ((low, low - step), (high, high + step)):
            assert getattr(Config.from_env({env: str(bound)}), FIELDS[env].name) == bound
            assert refusal({env: str(beyond)}) == allowed.format(repr(str(beyond)))

    @pytest.mark.parametrize("env", NUMBERS)
    @pytest.mark.parametrize("raw", ["nan", "NaN", "inf", "-inf", "ten", "1,5", "0x10", "1e999"])
    def test_numbers_that_are_none(self, env: str, raw: str) -> None:
        message = refusal({env: raw})
        assert message.startswith(f"{env} is {raw!r}")
        assert "it must be " in message

    def test_a_whole_number_is_asked_for(self) -> None:
        assert refusal({"TOPK": "2.5"}) == "TOPK is '2.5': it must be a whole number."
        assert refusal({"THRESHOLD": "high"}) == "THRESHOLD is 'high': it must be a number."

    @pytest.mark.parametrize(
        ("env", "allowed"),
        [("EMBEDDER", "embedded, ollama"), ("ANSWERER", "auto, ollama, extractive")],
    )
    @pytest.mark.parametrize("raw", ["gpt", "Ollama", "auto,ollama"])
    def test_unknown_choices(self, env: str, allowed: str, raw: str) -> None:
        assert refusal({env: raw}) == f"{env} is {raw!r}; it must be one of: {allowed}."

    @pytest.mark.parametrize("env", ["KNOWLEDGE", "INDEX"])
    def test_paths_may_begin_at_home(self, env: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/ada")
        config = Config.from_env({env: "~/kb"})
        assert getattr(config, FIELDS[env].name) == Path("/home/ada/kb")
        assert refusal({env: "~nobody-of-that-name/kb"}).startswith(
            f"{env} is '~nobody-of-that-name/kb': "
        )

    def test_the_first_bad_one_is_named(self) -> None:
        assert refusal({"SEED": "x", "TOPK": "0"}).startswith("TOPK is '0'")

    def test_every_knob_has_a_name_of_its_own_and_a_help(self) -> None:
        rows = list(setting_rows(Config))
        assert len({row.env for row in rows}) == len(rows) == len(FIELDS)
        assert all(row.help.endswith(".") for row in rows)
        assert rows[0] == SettingRow(
            "KNOWLEDGE", "knowledge", "File or folder of Markdown articles."
        )


class TestIndexFolder:
    def test_the_set_one_wins(self) -> None:
        assert Config(index=Path("idx")).index_dir == Path("idx")

    def test_one_for_each_knowledge(self, tmp_path: Path) -> None:
        here, there = tmp_path / "a" / "Help Center.md", tmp_path / "b" / "Help Center.md"
        folder = Config(knowledge=here).index_dir
        assert folder == default_index_dir(here)
        assert folder.parent == STATE_DIR / "index"
        assert folder.name.startswith("help-center-")
        assert folder != default_index_dir(there)
        assert folder == default_index_dir(tmp_path / "b" / ".." / "a" / "Help Center.md")

    def test_a_name_without_letters(self) -> None:
        assert default_index_dir(Path("/kb/—")).name.startswith("knowledge-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """One setting of each kind that Config does not have."""

    token: str = setting("TOKEN", "A secret.", secret=True)
    pin: int = setting("PIN", "A secret number.", 1, low=1, high=9, secret=True)
    strict: bool = setting("STRICT", "A switch.", False)
    least: int = setting("LEAST", "A number without a top.", 1, low=1)
    most: int = setting("MOST", "A number without a bottom.", 1, high=1)
    free: float = setting("FREE", "A number without bounds.", 1.0)
    note: str = dataclasses.field(default="not a setting")


class TestKinds:
    def test_secrets_are_hidden(self) -> None:
        samples = read_settings(Samples, {"TOKEN": "xoxb-1", "PIN": "5"})
        assert (samples.token, samples.pin) == ("xoxb-1", 5)
        assert "xoxb" not in repr(samples)
        assert "pin" not in repr(samples)

    @pytest.mark.parametrize("raw", ["1234", "secret"])
    def test_secrets_are_hidden_in_errors(self, raw: str) -> None:
        with pytest.raises(SettingsError) as bad:
            read_settings(Samples, {"PIN": raw})
        assert str(bad.value).startswith("PIN is (hidden)")
        assert raw not in str(bad.value)

    @pytest.mark.parametrize("raw", ["1", "TRUE", "yes", "on"])
    def test_switches_on(self, raw: str) -> None:
        assert read_settings(Samples, {"STRICT": raw}).strict is True

    @pytest.mark.parametrize("raw", ["0", "False", "no", "off"])
    def test_switches_off(self, raw: str) -> None:
        assert read_settings(Samples, {"STRICT": raw}).strict is False

    def test_a_switch_is_no_other_word(self) -> None:
        with pytest.raises(SettingsError, match="STRICT is 'maybe': it must be true or false"):
            read_settings(Samples, {"STRICT": "maybe"})

    def test_half_open_ranges(self) -> None:
        with pytest.raises(SettingsError, match="LEAST is '0'; it must be 1 or more"):
            read_settings(Samples, {"LEAST": "0"})
        with pytest.raises(SettingsError, match="MOST is '2'; it must be 1 or less"):
            read_settings(Samples, {"MOST": "2"})

    def test_not_a_number_is_none_even_without_bounds(self) -> None:
        assert read_settings(Samples, {"FREE": "-1e300"}).free == -1e300
        with pytest.raises(SettingsError, match="FREE is 'nan'; it must be a number"):
            read_settings(Samples, {"FREE": "nan"})

    def test_other_fields_are_left_alone(self) -> None:
        assert read_settings(Samples, {"note": "x"}).note == "not a setting"
        assert [row.env for row in setting_rows(Samples)] == [
            "TOKEN",
            "PIN",
            "STRICT",
            "LEAST",
            "MOST",
            "FREE",
        ]
