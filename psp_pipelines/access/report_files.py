"""The webserver's way to settlement reports in a folder: behind its guard, and to read only."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Route

from psp_pipelines.access.report_links import PREFIX, folder_of

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def report_routes(reports_url: str) -> list[BaseRoute]:
    """Return the routes to the files; none where they are in S3."""
    folder = folder_of(reports_url)
    if folder is None:
        return []

    def file(request: Request) -> FileResponse:
        name = Path(request.path_params["name"])
        path = (folder / name).resolve()
        # A file that is not complete has a name that begins with a dot.
        if any(part.startswith(".") for part in name.parts) or not path.is_relative_to(folder) or not path.is_file():
            raise HTTPException(404)
        return FileResponse(path, filename=path.name, headers=_HEADERS)

    return [Route(f"{PREFIX}/{{name:path}}", file, methods=["GET"])]
