"""The application that serves the endpoint: DCS, IAM's list of projects, the control API, and a page of its API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import swagger_ui_bundle
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from . import backups, control, instances, key_analysis, migrations, nodes, restores
from .serving import serve
from .world import World


class TrailingSlashes:
    """Makes ``/backups/`` the same as ``/backups``. The path as it was sent stays, for the signature."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["path"].startswith("/v") and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"].rstrip("/")}
        await self._app(scope, receive, send)


def create_app(world: World) -> FastAPI:
    """The application that serves this world."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        # Before uvicorn passes on the signal that ended it: the data are saved when the process is gone.
        if world.data is not None:
            await asyncio.to_thread(world.data.close)

    app = FastAPI(title="DCS backups, local endpoint", version="v2", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(TrailingSlashes)
    app.include_router(instances.routes(world), tags=["DCS"])
    for module in (backups, restores, migrations, nodes, key_analysis):
        app.include_router(module.routes(world), tags=["DCS"])
    app.include_router(_iam_routes(world), tags=["IAM"])
    app.include_router(control.routes(world), prefix="/control", tags=["control"])
    app.mount("/swagger-ui", StaticFiles(directory=swagger_ui_bundle.swagger_ui_path))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url="/swagger-ui/swagger-ui-bundle.js",
            swagger_css_url="/swagger-ui/swagger-ui.css",
            swagger_favicon_url="/swagger-ui/favicon-32x32.png",
        )

    return app


def _iam_routes(world: World) -> APIRouter:
    router = APIRouter()

    @router.get("/v3/projects", summary="List projects (IAM)")
    async def list_projects(request: Request, name: str = "") -> Response:
        def handle() -> Response:
            rows = [
                {"id": project_id, "name": region, "domain_id": "d" * 32, "enabled": True, "is_domain": False}
                for project_id, region in world.projects()
                if name in ("", region)
            ]
            return JSONResponse({"projects": rows, "links": {"self": str(request.url)}})

        return await serve(world, request, "list_projects", "", handle)

    return router
