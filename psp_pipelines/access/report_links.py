"""Where a settlement report's file is opened from Dagster's pages.

Files of a folder are handed out by the webserver; those in S3 by AWS's console, which asks for a login of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

PREFIX = "/psp/reports"
_FILE, _S3 = "file:", "s3://"
_CONSOLE = "https://console.aws.amazon.com/s3/object"
_OTHER_S3 = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def link_to(url: str, *, reports_url: str, operations_url: str) -> str | None:
    """Return where a browser can open the report's file; None where only its path is known."""
    folder = folder_of(reports_url)
    if folder is not None:
        return f"{operations_url}{PREFIX}/{url.removeprefix(f'{folder.as_uri()}/')}"
    if any(os.environ.get(name) for name in _OTHER_S3):
        return None
    bucket, _, key = url.removeprefix(_S3).partition("/")
    return f"{_CONSOLE}/{bucket}?prefix={quote(key)}"


def folder_of(reports_url: str) -> Path | None:
    """Return the folder in which reports lie; None where they are in S3."""
    return Path(reports_url.removeprefix(_FILE)).resolve() if reports_url.startswith(_FILE) else None
