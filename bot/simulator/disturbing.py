"""The faults of a served request: down, late, broken down, or done and the reply lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from .faults import FaultKind, Faults

Serve = Callable[[web.Request, str], Awaitable[web.Response]]


async def disturbed(
    request: web.Request, faults: Faults, method: str, serve: Serve
) -> web.Response:
    """Serve a request unless a fault is ordered for the method.

    serve gets the name of the breakdown that keeps the call from being done, else "".
    """
    if faults.take(FaultKind.WEB_API_DOWN, method) is not None:
        return reset(request)
    if fault := faults.take(FaultKind.SLOW, method):
        await asyncio.sleep(fault.seconds)
    broken = faults.take(FaultKind.HTTP_500, method)
    if broken is not None:
        await serve(request, "" if broken.is_done else f"http_{broken.status}")
        text = "<html><body>Server Error</body></html>"
        return web.Response(status=broken.status, text=text, content_type="text/html")
    response = await serve(request, "")
    if faults.take(FaultKind.LOST_REPLY, method) is not None:
        return reset(request)
    return response


def reset(request: web.Request) -> web.Response:
    """Break the connection; the response that it gives is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
