"""Where reports are kept. A file appears under its name when it is complete, and never before."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import boto3

_FILE = "file:"
_S3 = "s3://"


class Shelf(Protocol):
    def put(self, source: Path, *, name: str) -> str:
        """Move or copy the finished file to its place, replacing an older one; return its URL."""
        ...


def shelf_at(url: str) -> Shelf:
    """Return the shelf of `file:FOLDER` or `s3://BUCKET/PREFIX`. Raises ValueError for another address."""
    if url.startswith(_FILE):
        return FolderShelf(Path(url.removeprefix(_FILE)).resolve())
    if url.startswith(_S3):
        bucket, _, prefix = url.removeprefix(_S3).partition("/")
        return S3Shelf(bucket, prefix.strip("/"))
    raise ValueError("PSP_REPORTS_URL is file:FOLDER or s3://BUCKET/PREFIX")


@dataclass(frozen=True, slots=True)
class FolderShelf:
    folder: Path

    def put(self, source: Path, *, name: str) -> str:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # Copied to the same file system first: a rename there happens as a whole or not at all.
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(source, unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
        return target.as_uri()


@dataclass(frozen=True)
class S3Shelf:
    bucket: str
    prefix: str

    @cached_property
    def _client(self) -> Any:
        return boto3.client("s3")

    def put(self, source: Path, *, name: str) -> str:
        key = f"{self.prefix}/{name}" if self.prefix else name
        self._client.upload_file(str(source), self.bucket, key)
        return f"{_S3}{self.bucket}/{key}"
