"""Who may talk to the simulator: this machine only, and for /sim only its own page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from .model import ControlError

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse foreign hosts (DNS rebinding) and foreign pages; put ControlError into JSON."""
    if _host_name(request.host) not in LOOPBACK_NAMES:
        return web.Response(status=403, text=f"{request.host} is not this machine.")
    if request.path.startswith("/sim/") and (refusal := _refusal(request)):
        return _sentence(refusal, status=403)
    try:
        return await handler(request)
    except ControlError as error:
        return _sentence(str(error), status=400)


def _refusal(request: web.Request) -> str | None:
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return f"{origin} is not the simulator's own page."
    if request.method == "POST" and request.content_type != "application/json":
        return "Send the request as application/json."
    return None


def _host_name(host: str) -> str:
    return host.rsplit(":", 1)[0] if not host.endswith("]") else host


def _sentence(text: str, *, status: int) -> web.Response:
    return web.json_response({"ok": False, "error": text}, status=status)
