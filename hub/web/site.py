"""Puts the web edge together: the API, the health pages, the front end, and what surrounds them."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import compile_path
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

import hub
from hub.intake.filled import Filled, Moving
from hub.settings import Settings
from hub.web import health, problems
from hub.web.api import (
    attachments,
    deliveries,
    entries,
    forms,
    issues,
    open_items,
    place_sources,
    places,
    submissions,
    systems,
    withdrawals,
)
from hub.web.api.people import accounts, sessions
from hub.web.context import Parts
from hub.web.edge import Edge, past, straight
from hub.web.security import SignedIn
from hub.web.shapes import ProblemView

API = "/api/v1"
RESOURCES = (
    submissions, withdrawals, sessions, accounts, forms, place_sources, places, attachments, entries, deliveries,
    systems, open_items, issues,
)  # fmt: skip
"""The one everybody waits for first: routes are tried in order; `/deliveries/by-hand` before `/deliveries/{id}`."""
ALWAYS = (400, 401, 403, 413, 415, 422, 500, 503)
_TOLD_BESIDE: Sequence[tuple[type[BaseModel], Literal["validation", "serialization"]]] = (
    (ProblemView, "serialization"),
    (Filled, "validation"),
    (Moving, "validation"),
)
"""Shapes that operations only name: problems are raised, and a Submission's body is read as it came."""
_IMMUTABLE = "public, max-age=31536000, immutable"
_UNBUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>一填通 FillOnce</title>
<h1>一填通</h1><p>页面还没有生成。请在项目目录运行 <code>make setup</code>，再刷新。</p>
<p lang="en">The pages are not built yet. Run <code>make setup</code> in the project folder and reload.</p></html>"""
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def make_app(parts: Parts, lifespan: Lifespan | None = None) -> FastAPI:
    """Return the ASGI application over these parts."""
    app = FastAPI(
        title="一填通 FillOnce", version="1", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False,  # a redirect would go wherever the Host header says, with body and token
    )  # fmt: skip
    app.state.parts = parts
    api = APIRouter(responses=problems.documented(*ALWAYS))
    for resource in RESOURCES:
        api.include_router(resource.router)
    _serve_description(app, api)
    app.include_router(api, prefix=API)  # given here, it spares the framework making every route once more
    app.include_router(health.router)
    app.router.default = _front_end(dist_of(parts.settings))
    messages = parts.catalog.messages
    app.add_middleware(Edge, settings=parts.settings, messages=messages)
    problems.install(app, _methods_at)
    # Outside of all the framework's layers, which would take as long as all the rest of an answer.
    submit = Edge(straight(submissions.submit, messages), parts.settings, messages)
    app.middleware_stack = past(app.build_middleware_stack(), {f"{API}{submissions.router.prefix}": submit})
    return app


def _serve_description(app: FastAPI, api: APIRouter) -> None:
    """Serve OpenAPI to people signed in; there is no page that renders it (A57)."""

    @api.get("/openapi.json", include_in_schema=False)
    async def describe(_caller: SignedIn) -> dict[str, Any]:
        return description(app)


def description(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        _, extra = models_json_schema(_TOLD_BESIDE, ref_template="#/components/schemas/{model}")
        made["components"]["schemas"].update(extra["$defs"])
        app.openapi_schema = made
    return app.openapi_schema


@cache
def _addresses() -> dict[str, tuple[re.Pattern[str], list[str]]]:
    """Return each address of the API with its pattern and the methods the description has there."""
    found: dict[str, tuple[re.Pattern[str], list[str]]] = {}
    for resource in RESOURCES:
        for route in resource.router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                address = found.setdefault(API + route.path, (compile_path(API + route.path)[0], []))
                address[1].extend(route.methods or ())
    return found


def _methods_at(path: str) -> Sequence[str]:
    """Return the methods the description has at a path; none where it does not know the path."""
    known = _addresses()
    if path in known:
        return known[path][1]
    return next((methods for pattern, methods in known.values() if pattern.match(path)), ())


def dist_of(settings: Settings) -> Path:
    """Return the folder of the built front end: beside the county's files, else inside the installed package."""
    checkout = settings.home / "hub/ui/dist"
    return checkout if checkout.is_dir() else Path(hub.__file__).parent / "ui/dist"


def _front_end(dist: Path) -> ASGIApp:
    """Return the app that answers what no operation does: a file, else the page that knows its own addresses."""
    files = StaticFiles(directory=dist, check_dir=False)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path, reads = scope["path"], scope["method"] in {"GET", "HEAD"}
        if path.startswith("/api/") or not reads:
            raise HTTPException(404)
        if not (dist / "index.html").exists():
            await HTMLResponse(_UNBUILT, 503)(scope, receive, send)
            return
        try:
            found = await files.get_response(path.lstrip("/") or "index.html", scope)
        except HTTPException as error:
            if error.status_code != 404 or "." in path.rpartition("/")[2]:  # noqa: PLR2004 - a missing file is missing
                raise
            found = await files.get_response("index.html", scope)
        if path.startswith("/assets/"):
            found.headers["Cache-Control"] = _IMMUTABLE
        await found(scope, receive, send)

    return answer
