"""Names of report files: merchants' names may hold anything, and file systems differ in what they take for the same."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

_LENGTH_MAX = 120
_DIGEST_LENGTH = 32
# What every file system keeps as it is and takes for nothing else: no capitals, and no dot or dash at the beginning.
_PLAIN = re.compile(rf"[a-z0-9_][a-z0-9_.-]{{0,{_LENGTH_MAX - 1}}}")
# Names of devices in Windows, also with an ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


def safe_name(name: str) -> str:
    """Return `FOLDER/NAME` with `NAME` as a file's name, or `NAME` alone; no two names are one file anywhere.

    What is not plain is made so, and told apart by a digest of the whole name: `Acme` is `Acme~6201…`.
    """
    return "/".join(_safe_part(part) for part in name.split("/", maxsplit=1))


def _safe_part(part: str) -> str:
    if _PLAIN.fullmatch(part) and not _DEVICE.fullmatch(part):
        return part
    # A name that begins with a dash would be an option of most commands.
    readable = quote(part, safe="").replace(".", "%2E")
    if readable.startswith("-"):
        readable = f"%2D{readable[1:]}"
    # A tilde is in no plain name. 128 bits: nobody finds two names with the same ones.
    digest = hashlib.sha256(part.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{readable[:_LENGTH_MAX].replace('~', '%7E')}~{digest}"
