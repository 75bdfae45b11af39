"""What this needs of Linux and Python does not offer: ends of processes, and mounts that nobody else sees."""

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_CLONE_NEWNS: Final = 0x0002_0000
_MS_REC_PRIVATE: Final = 0x4000 | 0x4_0000
_MNT_DETACH: Final = 2
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def mount_small_disk(place: Path, size_bytes: int) -> str | None:
    """Put a new file system of this size on a directory, which this process and those it starts see; why not, if not.

    It is gone with the last of them, whatever becomes of this one.
    """
    if _LIBC.unshare(_CLONE_NEWNS) or _LIBC.mount(b"none", b"/", None, _MS_REC_PRIVATE, None):
        return f"no mounts of its own: {os.strerror(ctypes.get_errno())}"
    if _LIBC.mount(b"tmpfs", bytes(place), b"tmpfs", 0, b"size=%d" % size_bytes):
        return f"no mount: {os.strerror(ctypes.get_errno())}"
    return None


def unmount(place: Path) -> None:
    """Take it away again. Raises OSError."""
    if _LIBC.umount2(bytes(place), _MNT_DETACH) != 0:
        raise OSError(ctypes.get_errno(), "umount", str(place))
