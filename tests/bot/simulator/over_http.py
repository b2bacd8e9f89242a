"""The page's API as plain calls."""

from __future__ import annotations

from typing import Any

import aiohttp

Body = dict[str, Any]


async def read(http: aiohttp.ClientSession, path: str, **query: str) -> Body:
    async with http.get(path, params=query) as response:
        body: Body = await response.json()
        assert response.status == (200 if "error" not in body else 400)
        return body


async def act(http: aiohttp.ClientSession, deed: str, **order: Any) -> Body:
    async with http.post(f"/sim/{deed}", json=order) as response:
        body: Body = await response.json()
        assert response.status == (200 if body["ok"] else 400)
        return body
