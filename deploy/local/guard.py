"""Runs a program so that it cannot outlive the process that asked for it.

Called as a script, in an interpreter of its own, because what it does between fork and exec is not safe in a process
that has threads: ``guard.py PARENT SIGNAL USER PROGRAM ...``.

- PARENT: process id of the caller; when that is gone already, nothing is run.
- SIGNAL: number of the signal which the kernel sends to the program when the caller dies. It is asked for *after* any
  change of user, because that change forgets it. Linux only: on macOS a killed supervisor leaves its servers behind and
  the next ``up`` or ``down`` ends them.
- USER: ``-`` for the present one, else a user id (PostgreSQL refuses to run as root). ``uid+reach`` keeps the one right
  to pass through folders which that user may not enter, for a checkout under root's home.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_LINUX_CAPABILITY_VERSION_3 = 0x20080522


def main(argv: list[str]) -> None:
    """Takes the user, arms the signal and becomes the program."""
    parent, signal, user, program = int(argv[0]), int(argv[1]), argv[2], argv[3:]
    if user != "-":
        become(int(user.removesuffix("+reach")), reach=user.endswith("+reach"))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the process that asked for this program is gone")
    os.execv(program[0], program)  # noqa: S606


def become(uid: int, *, reach: bool) -> None:
    """Changes the user for good; with `reach` (Linux), folders closed to that user may still be passed."""
    keep = reach and sys.platform == "linux"
    libc = ctypes.CDLL(None)
    if keep:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # access(2) would otherwise forget the right for whoever is not root, and initdb asks it about its neighbours.
        libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    if keep:
        header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
        effective_permitted_inheritable = (ctypes.c_uint32 * 6)(*[1 << _CAP_DAC_OVERRIDE] * 3)
        libc.capset(header, effective_permitted_inheritable)
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
