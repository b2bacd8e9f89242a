"""Settings as dataclass fields: name, default and help in one place, read from an environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from .errors import SettingsError

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


T = TypeVar("T", bound=_Dataclass)


def setting(
    env: str,
    help: str,
    default: Any = "",
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
    parse: Callable[[str], Any] | None = None,
) -> Any:
    """Declare a field that the variable env sets; low and high are inclusive."""
    return dataclasses.field(
        default=default,
        repr=not secret,
        metadata={
            "env": env,
            "help": help,
            "low": low,
            "high": high,
            "choices": choices,
            "secret": secret,
            "parse": parse,
        },
    )


def question_deadline_setting() -> Any:
    """Declare the one setting that both core and the Slack side read."""
    return setting(
        "QUESTION_DEADLINE_SECONDS",
        "Seconds that work on one question may take once it has begun.",
        240.0,
        low=1,
        high=840,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class SettingRow:
    """One line of the settings table."""

    env: str
    default: str
    help: str


def setting_rows(settings_class: type[_Dataclass]) -> Iterator[SettingRow]:
    """List the settings of a class in their order, for the README."""
    for item in dataclasses.fields(settings_class):
        if "env" in item.metadata:
            yield SettingRow(item.metadata["env"], _shown(item.default), item.metadata["help"])


def read_settings(settings_class: type[T], environ: Mapping[str, str]) -> T:
    """Make the settings from an environment; an unset or blank variable keeps the default.

    Raises SettingsError that names the variable, its value and what is allowed.
    """
    values = {}
    for item in dataclasses.fields(settings_class):
        raw = environ.get(item.metadata.get("env", ""), "").strip()
        if raw:
            values[item.name] = parse_setting(item, raw)
    return settings_class(**values)


def to_environment(settings: _Dataclass) -> dict[str, str]:
    """Give the variables from which read_settings makes equal settings, for a child process."""
    return {
        item.metadata["env"]: str(getattr(settings, item.name))
        for item in dataclasses.fields(settings)
        if "env" in item.metadata and getattr(settings, item.name) is not None
    }


def parse_setting(item: dataclasses.Field[Any], raw: str) -> Any:
    """Turn the text of one variable into the field's value, checked."""
    meta = item.metadata
    shown = "(hidden)" if meta["secret"] else repr(raw)
    try:
        value = meta["parse"](raw) if meta["parse"] else _convert(item.default, raw)
    except (ValueError, RuntimeError) as error:  # RuntimeError: the home of an unknown user
        raise SettingsError(f"{meta['env']} is {shown}: {error}.") from error
    if meta["choices"] and value not in meta["choices"]:
        allowed = ", ".join(meta["choices"])
        raise SettingsError(f"{meta['env']} is {shown}; it must be one of: {allowed}.")
    if isinstance(value, int | float) and not _within(value, meta["low"], meta["high"]):
        raise SettingsError(
            f"{meta['env']} is {shown}; it must be {_range(meta['low'], meta['high'])}."
        )
    return value


def _convert(default: Any, raw: str) -> Any:
    match default:
        case bool():
            return _to_bool(raw)
        case int():
            return _number(int, raw, "a whole number")
        case float():
            return _number(float, raw, "a number")
        case Path():
            return Path(raw).expanduser()
        case _:
            return raw


def _number(kind: Callable[[str], Any], raw: str, wanted: str) -> Any:
    try:
        return kind(raw)
    except ValueError as error:
        raise ValueError(f"it must be {wanted}") from error


def _to_bool(raw: str) -> bool:
    word = raw.lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise ValueError("it must be true or false")
    return word in TRUE_WORDS


def _within(value: float, low: float | None, high: float | None) -> bool:
    # NaN compares false with everything, so it is never within.
    return value == value and (low is None or value >= low) and (high is None or value <= high)


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return "a number" if low is None else f"{low} or more"
    return f"{high} or less" if low is None else f"from {low} to {high}"


def _shown(default: Any) -> str:
    return "" if default in (None, ()) else str(default)


def settings_table(*classes: type[_Dataclass]) -> str:
    """Give the Markdown table of settings that the README holds."""
    lines = ["| variable | default | what it does |", "|---|---|---|"]
    for settings_class in classes:
        for row in setting_rows(settings_class):
            default = f"`{row.default}`" if row.default else ""
            lines.append(f"| `{row.env}` | {default} | {row.help} |")
    return "\n".join(dict.fromkeys(lines))  # a setting that two classes read has one line
