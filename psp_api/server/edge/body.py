"""Where a body ends: by its length, or chunk by chunk. Chunk extensions and trailers are read and forgotten."""

from __future__ import annotations

import re
from enum import Enum, auto

from psp_api.server.edge.head import Head
from psp_api.server.problems.catalogue import BROKEN_REQUEST
from psp_api.server.problems.refusals import Refusal

_SIZE_LINE_BYTES_MAX = 256
_TRAILER_BYTES_MAX = 8 * 1024
_NEVER_TRAILERS = (b"content-length", b"transfer-encoding")
_END_OF_LINE = b"\r\n"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[\t -~\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}:[\t -~\x80-\xff]*")


class Body:
    """A body of a known length. `data` is what has come and was not taken yet; `received` counts bytes on the wire."""

    def __init__(self, length: int) -> None:
        self.data = bytearray()
        self.received = 0
        self.refusal: Refusal | None = None
        self.left: int | None = length

    @property
    def is_done(self) -> bool:
        return self.left == 0

    def feed(self, source: bytearray) -> None:
        """Take from the beginning of `source` what belongs to this body."""
        before = len(source)
        if not self.is_done and self.refusal is None:
            self._take_from(source)
        self.received += before - len(source)

    def fail(self, refusal: Refusal) -> None:
        """Let whoever wants the rest be told why it does not come; the first reason stays."""
        if not self.is_done and self.refusal is None:
            self.refusal = refusal

    def _take_from(self, source: bytearray) -> None:
        left = self.left or 0
        taken = min(left, len(source))
        self.data += source[:taken]
        del source[:taken]
        self.left = left - taken


class _Part(Enum):
    SIZE = auto()
    DATA = auto()
    END_OF_DATA = auto()
    TRAILERS = auto()


class ChunkedBody(Body):
    """`left` is None until the last chunk and the trailers have come: nobody knows."""

    def __init__(self) -> None:
        super().__init__(0)
        self.left = None
        self._part = _Part.SIZE
        self._chunk_left = 0
        self._trailers_left = _TRAILER_BYTES_MAX

    def _take_from(self, source: bytearray) -> None:
        take = {
            _Part.SIZE: self._take_size,
            _Part.DATA: self._take_data,
            _Part.END_OF_DATA: self._take_end_of_data,
            _Part.TRAILERS: self._take_trailer,
        }
        while self.left is None and self.refusal is None and take[self._part](source):
            pass

    def _take_size(self, source: bytearray) -> bool:
        line = self._line(source, bytes_max=_SIZE_LINE_BYTES_MAX)
        if line is None:
            return False
        found = _SIZE.fullmatch(line)
        if found is None:
            return self._broken("a chunk must begin with its size")
        self._chunk_left = int(found[1], 16)
        self._part = _Part.DATA if self._chunk_left else _Part.TRAILERS
        return True

    def _take_data(self, source: bytearray) -> bool:
        taken = min(self._chunk_left, len(source))
        self.data += source[:taken]
        del source[:taken]
        self._chunk_left -= taken
        if self._chunk_left == 0:
            self._part = _Part.END_OF_DATA
        return self._chunk_left == 0

    def _take_end_of_data(self, source: bytearray) -> bool:
        if not source.startswith(_END_OF_LINE):
            return len(source) >= len(_END_OF_LINE) and self._broken("a chunk is longer than its size")
        del source[:2]
        self._part = _Part.SIZE
        return True

    def _take_trailer(self, source: bytearray) -> bool:
        line = self._line(source, bytes_max=self._trailers_left)
        if line is None:
            return False
        self._trailers_left -= len(line)
        if not line:
            self.left = 0
        elif not _TRAILER.fullmatch(line):
            return self._broken("a trailer must be a name, a colon and a value")
        elif line.partition(b":")[0].lower() in _NEVER_TRAILERS:
            # Somebody on the way may take it for a header.
            return self._broken("a trailer cannot say where a body ends")
        return True

    def _line(self, source: bytearray, *, bytes_max: int) -> bytes | None:
        end = source.find(_END_OF_LINE, 0, bytes_max + 2)
        if end < 0:
            if len(source) > bytes_max or b"\n" in source:
                self._broken("a line of the chunked body is too long, or does not end in CR LF")
            return None
        line = bytes(source[:end])
        del source[: end + 2]
        return line

    def _broken(self, detail: str) -> bool:
        self.fail(Refusal(BROKEN_REQUEST, detail))
        return False


def body_of(head: Head) -> Body:
    """Return what will take the body that the head announces."""
    return ChunkedBody() if head.is_chunked else Body(head.length)
