"""What this needs of Linux and Python does not offer: ends of processes, and mounts that nobody else sees."""

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_CLONE_NEWNS: Final = 0x0002_0000
_CLONE_NEWNET: Final = 0x4000_0000
_MS_REC_PRIVATE: Final = 0x4000 | 0x4_0000
_MNT_DETACH: Final = 2
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def mount_small_disk(place: Path, size_bytes: int) -> None:
    """Put a new file system of this size on a directory, which this process and those it starts see.

    It is gone with the last of them, whatever becomes of this one. Raises OSError: this machine does not let us.
    """
    _own_namespaces(_CLONE_NEWNS)
    _called(_LIBC.mount(b"tmpfs", bytes(place), b"tmpfs", 0, b"size=%d" % size_bytes), f"a mount on {place}")


def leave_for_own_network(names: Path) -> None:
    """Leave for a network namespace of our own, and make `names` a directory of our own. Raises OSError."""
    _own_namespaces(_CLONE_NEWNS | _CLONE_NEWNET)
    _called(_LIBC.mount(b"tmpfs", bytes(names), b"tmpfs", 0, None), f"a mount on {names}")


def enter_network(place: Path) -> None:
    """Enter the network namespace that has this name. Raises OSError."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        _called(_LIBC.setns(descriptor, _CLONE_NEWNET), f"to enter {place}")
    finally:
        os.close(descriptor)


def _own_namespaces(kinds: int) -> None:
    _called(_LIBC.unshare(kinds), "namespaces of our own")
    _called(_LIBC.mount(b"none", b"/", None, _MS_REC_PRIVATE, None), "mounts of our own")


def _called(status: int, what: str) -> None:
    if status != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


def unmount(place: Path) -> None:
    """Take it away again. Raises OSError."""
    _called(_LIBC.umount2(bytes(place), _MNT_DETACH), f"to unmount {place}")
