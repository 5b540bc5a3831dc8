"""`/openapi.json` and `/docs`: the API explains itself, also without a connection to the Internet."""

from __future__ import annotations

import re
from functools import cache, cached_property
from html import escape
from importlib.metadata import version
from pathlib import Path

import orjson
from falcon.asgi import Request, Response

from psp_api.server.openapi.document import openapi_document
from psp_api.server.problems.catalogue import NO_SUCH_PATH, Problem, every_problem
from psp_api.server.problems.refusals import Refusal

_FOLDER = Path(__file__).with_name("static")
_PAGE = "docs.html"
_PROBLEMS = "<!-- problems -->"
_CODE = re.compile("`([^`]*)`")
_MEDIA_TYPES = {_PAGE: "text/html; charset=utf-8", "docs.js": "text/javascript", "docs.css": "text/css"}
# Nothing from elsewhere, and nothing inline: what a merchant typed cannot become a script. The page holds an API key
# while somebody tries it, so nobody else's page may frame it, and nothing in it may send a form elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAME_FOR_EVERYBODY = "no-cache"


class OpenApi:
    def __init__(self, *, auth_mode: str, time_zone: str) -> None:
        self._auth_mode = auth_mode
        self._time_zone = time_zone

    @cached_property
    def _document(self) -> bytes:
        return orjson.dumps(
            openapi_document(auth_mode=self._auth_mode, version=version("psp"), time_zone=self._time_zone)
        )

    async def on_get(self, _req: Request, resp: Response) -> None:
        resp.set_header("Cache-Control", _SAME_FOR_EVERYBODY)
        resp.data = self._document

    on_head = on_get


class Docs:
    """The page for people, which reads the document and can send requests."""

    async def on_get(self, _req: Request, resp: Response, name: str = _PAGE) -> None:
        if name not in _MEDIA_TYPES:
            raise Refusal(NO_SUCH_PATH, NO_SUCH_PATH.title)
        resp.content_type = _MEDIA_TYPES[name]
        resp.set_header("Content-Security-Policy", _POLICY)
        resp.set_header("Cache-Control", _SAME_FOR_EVERYBODY)
        resp.set_header("X-Content-Type-Options", "nosniff")
        resp.data = _page() if name == _PAGE else (_FOLDER / name).read_bytes()

    on_head = on_get


@cache
def _page() -> bytes:
    """Return the page with every problem in it, so that a problem's type leads somewhere without a script, too."""
    problems = "\n".join(_problem(problem) for problem in every_problem())
    return (_FOLDER / _PAGE).read_text("utf-8").replace(_PROBLEMS, problems).encode()


def _problem(problem: Problem) -> str:
    about = _CODE.sub(r"<code>\1</code>", escape(problem.meaning))
    return (
        f'<div id="{problem.code}"><h3><code>{problem.status} {problem.code}</code></h3>'
        f"<p>{escape(problem.title)}. {about}</p></div>"
    )
