"""Where reports are kept. A file appears under its name when it is complete, and never before."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

_FILE = "file:"
_S3 = "s3://"
_MISSING = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
"""Who may not list a bucket is denied what is not there."""


class Shelf(Protocol):
    def put(self, source: Path, *, name: str) -> str:
        """Move or copy the finished file to its place, replacing an older one; return its URL."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return what the file holds; None when there is none."""
        ...

    def find(self, name: str) -> str | None:
        """Return the file's URL; None when there is none."""
        ...

    def copy(self, name: str, *, to: str) -> None:
        """Put a copy of the file in another place, replacing an older one."""
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

    def read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def find(self, name: str) -> str | None:
        path = self.folder / name
        return path.as_uri() if path.is_file() else None

    def copy(self, name: str, *, to: str) -> None:
        self.put(self.folder / name, name=to)


@dataclass(frozen=True)
class S3Shelf:
    bucket: str
    prefix: str

    @cached_property
    def _client(self) -> Any:
        return boto3.client("s3")

    def put(self, source: Path, *, name: str) -> str:
        key = self._key(name)
        self._client.upload_file(str(source), self.bucket, key)
        return f"{_S3}{self.bucket}/{key}"

    def read(self, name: str) -> bytes | None:
        try:
            stored = self._client.get_object(Bucket=self.bucket, Key=self._key(name))
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        content: bytes = stored["Body"].read()
        return content

    def find(self, name: str) -> str | None:
        key = self._key(name)
        try:
            self._client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        return f"{_S3}{self.bucket}/{key}"

    def copy(self, name: str, *, to: str) -> None:
        source = {"Bucket": self.bucket, "Key": self._key(name)}
        self._client.copy_object(Bucket=self.bucket, Key=self._key(to), CopySource=source)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name
