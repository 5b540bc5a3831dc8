"""The embedded Postgres and SQS endpoint, and the processes that `make` starts. Linux only.

Nothing here imports the platform itself: it is started by command lines, as a stranger would.
"""

from __future__ import annotations


class LocalStackError(Exception):
    """The stack cannot go on; the text is one sentence that says what to do about it."""
