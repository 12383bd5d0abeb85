"""Who may see the page and act on it, and its files: the page is for this machine's own browser."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from bot.simulator.webhook import is_loopback

PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Refusal(Exception):
    """The page asked for something that cannot be done: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


def check_host(request: web.Request, bound: str) -> None:
    """Refuse names that a foreign page could have pointed at this machine (DNS rebinding)."""
    host = (urlsplit(f"//{request.host}").hostname or "").lower()
    if host in {"localhost", "127.0.0.1", "::1", bound.lower()}:
        return
    if is_loopback(bound) or not (host == socket.gethostname().lower() or _is_address(host)):
        raise Refusal(403, "This name is not served: open the page by its address, such as http://127.0.0.1:8080.")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_origin(request: web.Request) -> None:
    """Refuse what another site's page sends."""
    origin = request.headers.get(hdrs.ORIGIN)
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in {"same-origin", "none"} or (origin is not None and urlsplit(origin).netloc != request.host):
        raise Refusal(403, "Another site's page may not act here.")


def page_file(name: str) -> web.Response:
    """Return one of the page's files."""
    path = (PAGE / name).resolve()
    kind = _TYPES.get(path.suffix)
    if kind is None or not path.is_relative_to(PAGE.resolve()) or not path.is_file():
        raise Refusal(404, "There is no such file.")
    charset = "utf-8" if kind.startswith("text/") else None
    return web.Response(body=path.read_bytes(), content_type=kind, charset=charset)
