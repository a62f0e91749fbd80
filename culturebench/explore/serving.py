"""The page on this machine: which requests are answered, and what a browser may load."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from ipaddress import ip_address
from typing import Any

from culturebench.explore.page import build
from culturebench.explore.settings import ExploreError
from culturebench.explore.shown import STYLE
from culturebench.explore.studio import Studio
from culturebench.extras import needed

with needed("explore"):
    import gradio
    import uvicorn
    from fastapi import FastAPI, Request, Response

gr: Any = gradio
#: What of Gradio's own paths the page needs. Others write files, or fetch what they are told to.
ANSWERED = (
    "/assets/", "/static/", "/svelte/", "/theme.css", "/manifest.json", "/favicon.ico", "/config", "/gradio_api/app_id",
    "/gradio_api/heartbeat/", "/gradio_api/queue/", "/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/run/",
    "/gradio_api/startup-events", "/gradio_api/theme.css",
)  # fmt: skip
#: A browser loads nothing from elsewhere, whatever a part of the page asks for.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'none'; frame-ancestors 'none'; "
        "base-uri 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FONT = ("system-ui", "sans-serif")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def app_of(studio: Studio, host: str) -> tuple[FastAPI, str]:
    """The application, and the path of its page; anywhere but on loopback a random token is its first part."""
    token = "" if is_loopback(host) else f"/{secrets.token_urlsafe(16)}"
    app = FastAPI(openapi_url=None)
    theme = gr.themes.Default(font=FONT, font_mono=("ui-monospace", "monospace"))
    gr.mount_gradio_app(
        app, build(studio), token or "/", server_name=host, footer_links=[], run_history=False, show_error=False,
        max_file_size=1, ssr_mode=False, pwa=False, mcp_server=False, theme=theme, css=STYLE,
    )  # fmt: skip
    _guard(app, token)
    return app, f"{token}/"


def _guard(app: FastAPI, token: str) -> None:
    @app.middleware("http")
    async def only_the_page(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:  # pyright: ignore[reportUnusedFunction]
        path = request.url.path.removeprefix(token) or "/"
        other_site = request.headers.get("sec-fetch-site") == "cross-site" and request.method != "GET"
        known = request.url.path.startswith(token) and (path == "/" or path.startswith(ANSWERED))
        # on loopback a name that is none of its own is another site's, which had a browser look for it here
        rebound = not token and not is_loopback(request.url.hostname or "")
        if other_site or rebound or not known:
            return Response("There is nothing here.\n", 404, media_type="text/plain")
        response = await call(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def serve(studio: Studio, host: str, port: int | None, say: Callable[[str], None]) -> None:
    """Serve the page until interrupted; `say` is given its address. `ExploreError` for a port that is taken."""
    app, path = app_of(studio, host)
    with closing(_bound(host, port)) as listening:
        shown_host = f"[{host}]" if ":" in host else host
        say(f"The page is at http://{shown_host}:{listening.getsockname()[1]}{path}")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1))
        server.run(sockets=[listening])


def _bound(host: str, port: int | None) -> socket.socket:
    """A socket at the port, or at any free one."""
    try:
        [*_, (family, kind, *_, address)] = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()  # who comes before the server does waits
    except OSError as error:
        raise ExploreError(f"{host}:{port or 0} cannot be used ({error.strerror}); choose --host and --port") from None
    return listening
