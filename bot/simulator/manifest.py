"""Slack app manifest (YAML) → what the simulator obeys: names, scopes, commands, events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from .model import Json


class ManifestError(ValueError):
    """Raised when the manifest cannot be read; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A slash command; `command` begins with the slash."""

    command: str
    description: str
    usage_hint: str
    should_escape: bool


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A global or message shortcut; `type` is "global" or "message"."""

    callback_id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an installed app may do and hear."""

    app_name: str
    bot_name: str
    scopes: tuple[str, ...]
    commands: tuple[SlashCommand, ...]
    shortcuts: tuple[Shortcut, ...]
    events: frozenset[str]
    has_home: bool  # the App Home can be published
    takes_messages: bool  # people can write to the bot directly
    is_interactive: bool  # clicks, shortcuts and modals reach the app

    def command(self, name: str) -> SlashCommand | None:
        """Find a slash command by its name, slash included."""
        return next((command for command in self.commands if command.command == name), None)


def load_manifest(path: Path) -> Manifest:
    """Read a manifest; raise ManifestError for a file or a part of it that is not understood."""
    try:
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ManifestError(f"The manifest {path} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise ManifestError(f"The manifest {path} is not a mapping of settings.")
    part = partial(_part, path)
    settings, features = part(manifest, "settings"), part(manifest, "features")
    home, shortcut = part(features, "app_home"), ("callback_id", "name", "type")
    commands = _entries(path, features, "slash_commands", ("command",))
    return Manifest(
        app_name=part(manifest, "display_information").get("name", "clockify-bot"),
        bot_name=part(features, "bot_user").get("display_name", "clockify-bot"),
        scopes=_names(path, part(part(manifest, "oauth_config"), "scopes"), "bot"),
        commands=tuple(_command(entry) for entry in commands),
        shortcuts=tuple(map(_shortcut, _entries(path, features, "shortcuts", shortcut))),
        events=frozenset(_names(path, part(settings, "event_subscriptions"), "bot_events")),
        has_home=bool(home.get("home_tab_enabled")),
        takes_messages=bool(home.get("messages_tab_enabled"))
        and not home.get("messages_tab_read_only_enabled"),
        is_interactive=bool(part(settings, "interactivity").get("is_enabled")),
    )


def _part(path: Path, owner: Json, name: str) -> Json:
    part = owner.get(name) or {}
    if not isinstance(part, dict):
        raise ManifestError(f"{name} in the manifest {path} is not a mapping.")
    return part


def _names(path: Path, owner: Json, name: str) -> tuple[str, ...]:
    names = owner.get(name) or []
    if not isinstance(names, list) or not all(isinstance(it, str) for it in names):
        raise ManifestError(f"{name} in the manifest {path} is not a list of names.")
    return tuple(names)


def _entries(path: Path, owner: Json, name: str, fields: tuple[str, ...]) -> list[Json]:
    entries = owner.get(name) or []
    if not isinstance(entries, list):
        raise ManifestError(f"{name} in the manifest {path} is not a list.")
    for entry in entries:
        for field in fields:
            if not isinstance(entry, dict) or not isinstance(entry.get(field), str):
                raise ManifestError(f"One of {name} in the manifest {path} has no {field}.")
    return entries


def _command(entry: Json) -> SlashCommand:
    return SlashCommand(
        command=entry["command"],
        description=entry.get("description", ""),
        usage_hint=entry.get("usage_hint", ""),
        should_escape=bool(entry.get("should_escape", False)),
    )


def _shortcut(entry: Json) -> Shortcut:
    return Shortcut(callback_id=entry["callback_id"], name=entry["name"], type=entry["type"])
