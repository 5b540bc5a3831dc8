"""`psp` in the test's own process, and what it left behind."""

from __future__ import annotations

import os
import platform
import pwd

from click.testing import CliRunner, Result

from psp_core.bootstrap import Core
from psp_core.cli.commands import commands
from psp_core.domain.operations.operator_actions import OperatorAction

WHY = ("--reason", "a test")
ACTOR = f"{pwd.getpwuid(os.getuid()).pw_name}@{platform.node()}"


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, words)


def recorded(core: Core) -> list[OperatorAction]:
    """Return the latest actions, newest first."""
    return core.record_operator_action.newest(limit=10)
