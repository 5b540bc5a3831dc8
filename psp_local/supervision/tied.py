"""Run one command that ends when its owner does: `tied.py OWNER_PID SIGNAL USER_OR_DASH COMMAND…`.

A script of its own, started with `python -I -S`: the same work between fork and exec (`preexec_fn`) can deadlock
in a process that has threads. It replaces itself by the command, so the pid and the log stay the same.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys

_PR_SET_PDEATHSIG = 1
_EXIT_NOT_FOUND = 127


def main(arguments: list[str]) -> int:
    owner, death_signal, user, *command = arguments
    if user != "-":
        _become(user)
    # After the change of user, which clears it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(owner):
        # The owner died before the line above took effect.
        return 1
    # Python ignores these two, a background shell SIGINT, and what is ignored stays so across exec.
    for inherited in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(inherited, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606  (there is no shell to want here)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return _EXIT_NOT_FOUND


def _become(user: str) -> None:
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
