"""response_url: up to five replies within thirty minutes of a command or a click."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from aiohttp import web

from .calls import flag
from .disturbing import disturbed
from .faults import RESPONSE_URL, FaultKind, Faults
from .methods.chat import TEXT_CHARACTERS, read_content
from .model import BOT_USER_ID, Json, RateLimited, SlackError
from .tally import Tally
from .workspace import Workspace

MAX_USES = 5
LIFE_SECONDS = 30 * 60
MAX_ADDRESSES = 5_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where replies go; `original_ts` is the message of the click, None for a command."""

    channel_id: str
    user_id: str
    issued_at: float
    trigger_id: str = ""  # of what it was issued for
    original_ts: str | None = None
    uses: int = 0


class ResponseUrls:
    """Issues addresses below `base_url` and serves what is posted to them."""

    def __init__(
        self, workspace: Workspace, *, faults: Faults, tally: Tally, base_url: str
    ) -> None:
        self._workspace = workspace
        self._tally = tally
        self._faults = faults
        self._base_url = base_url
        self._addresses: dict[str, Address] = {}

    def issue(
        self, channel_id: str, user_id: str, original: Json | None = None, *, trigger_id: str = ""
    ) -> str:
        """Give a new address for a command, or for a click in the original message."""
        key = secrets.token_hex(16)
        issued_at, original_ts = self._workspace.clock(), (original or {}).get("ts")
        address = Address(channel_id, user_id, issued_at, trigger_id, original_ts)
        self._addresses[key] = address
        while len(self._addresses) > MAX_ADDRESSES:
            del self._addresses[next(iter(self._addresses))]
        return f"{self._base_url}/response/{key}"

    async def answer(self, request: web.Request) -> web.Response:
        """Serve a POST, as far as no fault is ordered for it.

        200 "ok", 404 when used up or too old, 400 for a bad body, 429 by order.
        """
        return await disturbed(request, self._faults, RESPONSE_URL, self._serve)

    async def _serve(self, request: web.Request, breakdown: str) -> web.Response:
        key = request.match_info["id"]
        if not breakdown and (fault := self._faults.take(FaultKind.RATE_LIMIT, RESPONSE_URL)):
            limit = RateLimited(fault.retry_after_seconds)
            self._workspace.feed.record("response_url", key, {}, "ratelimited")
            return web.Response(status=429, text="ratelimited", headers=limit.headers)
        if breakdown:
            self._workspace.feed.record("response_url", key, {}, breakdown)
            return web.Response(status=500)
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise SlackError("invalid_payload")
            self.reply(key, body)
            status, text = 200, "ok"
        except SlackError as error:
            status = 404 if error.code in ("used_url", "expired_url", "no_such_url") else 400
            text = error.code
        except ValueError:
            body, status, text = {}, 400, "invalid_payload"
        error_code = None if status == 200 else text
        self._workspace.feed.record("response_url", key, {"sent": body}, error_code)
        return web.Response(status=status, text=text)

    def reply(self, key: str, body: Json) -> None:
        """Do what the body says and count the use; raise SlackError."""
        address = self._addresses.get(key)
        if address is None:
            raise SlackError("no_such_url")
        if address.uses >= MAX_USES:
            raise SlackError("used_url")
        if self._workspace.clock() - address.issued_at > LIFE_SECONDS:
            raise SlackError("expired_url")
        self.show(address, body)
        self._addresses[key] = replace(address, uses=address.uses + 1)

    def show(self, address: Address, body: Json) -> None:
        """Post, replace or delete; without a response_type only the user sees it."""
        original = self._original(address)
        if flag(body, "delete_original"):
            if original is not None:
                self._workspace.delete(address.channel_id, original["ts"])
            return
        if body.get("thread_ts"):
            self._workspace.thread(address.channel_id, body["thread_ts"])  # or thread_not_found
        content = read_content(body)
        text, blocks = content.text[:TEXT_CHARACTERS], content.blocks
        if flag(body, "replace_original") and original is not None:
            self._workspace.change(address.channel_id, original["ts"], text=text, blocks=blocks)
            self._tally.replied(address.trigger_id, replaces=True)
            return
        self._tally.replied(address.trigger_id, replaces=False)
        is_public = body.get("response_type") == "in_channel"
        self._workspace.post(
            address.channel_id,
            author=BOT_USER_ID,
            text=text,
            blocks=blocks or (),
            thread_ts=body.get("thread_ts"),
            attachments=content.attachments,
            visible_to=None if is_public else address.user_id,
        )

    def _original(self, address: Address) -> Json | None:
        if address.original_ts is None:
            return None
        try:
            return self._workspace.seen_message(
                address.channel_id, address.original_ts, address.user_id
            )
        except SlackError:
            return None  # deleted in the meantime: Slack ignores the wish
