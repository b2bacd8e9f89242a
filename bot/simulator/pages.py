"""The chat page's own files, with a policy that lets nothing else run."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

PAGE_DIRECTORY = Path(__file__).parent / "page"
FILE_NAME = re.compile(r"[\w-]+(\.[\w-]+)*\.(html|css|js|svg)")  # no path, nothing hidden
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


async def serve_page(request: web.Request) -> web.Response:
    """Serve a file of the page, index.html without a name."""
    name = request.match_info.get("name", "index.html")
    path = PAGE_DIRECTORY / name
    if not FILE_NAME.fullmatch(name) or not path.is_file():
        return web.Response(status=404, text=f"The simulator's page has no file {name}.")
    headers = HEADERS | {"Content-Type": CONTENT_TYPES[path.suffix]}
    return web.Response(body=path.read_bytes(), headers=headers)
