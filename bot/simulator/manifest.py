"""Slack app manifest (YAML) → what the simulator obeys: names, scopes, commands, events."""

from __future__ import annotations

from dataclasses import dataclass
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

    def command(self, name: str) -> SlashCommand | None:
        """Find a slash command by its name, slash included."""
        return next((command for command in self.commands if command.command == name), None)


def load_manifest(path: Path) -> Manifest:
    """Read a manifest; raise ManifestError when it is missing, not YAML or not a mapping."""
    try:
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ManifestError(f"The manifest {path} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise ManifestError(f"The manifest {path} is not a mapping of settings.")
    features = manifest.get("features") or {}
    scopes = (manifest.get("oauth_config") or {}).get("scopes") or {}
    subscriptions = (manifest.get("settings") or {}).get("event_subscriptions") or {}
    return Manifest(
        app_name=(manifest.get("display_information") or {}).get("name", "clockify-bot"),
        bot_name=(features.get("bot_user") or {}).get("display_name", "clockify-bot"),
        scopes=tuple(scopes.get("bot") or ()),
        commands=tuple(_command(entry) for entry in features.get("slash_commands") or ()),
        shortcuts=tuple(_shortcut(entry) for entry in features.get("shortcuts") or ()),
        events=frozenset(subscriptions.get("bot_events") or ()),
    )


def _command(entry: Json) -> SlashCommand:
    return SlashCommand(
        command=entry["command"],
        description=entry.get("description", ""),
        usage_hint=entry.get("usage_hint", ""),
        should_escape=bool(entry.get("should_escape", False)),
    )


def _shortcut(entry: Json) -> Shortcut:
    return Shortcut(callback_id=entry["callback_id"], name=entry["name"], type=entry["type"])
