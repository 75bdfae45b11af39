"""The browser of the page's tests: Debian's Chromium, with letters for Korean."""

import os
import shutil
import subprocess

import pytest

_PACKAGES = ("chromium", "fonts-noto-cjk")
_MAX_INSTALL_S = 140


def chromium_path() -> str:
    """The one that MVCHAIN_CHROMIUM names, or Debian's.

    Installs the Debian packages where this process may; else skips the test, saying what is missing.
    """
    found = os.environ.get("MVCHAIN_CHROMIUM") or shutil.which("chromium")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium: apt-get install chromium fonts-noto-cjk, or name it in MVCHAIN_CHROMIUM")
    return found


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update",), ("install", "--yes", "--no-install-recommends", *_PACKAGES)):
        subprocess.run(
            ("apt-get", "--quiet", *command), env=environment, check=False, capture_output=True, timeout=_MAX_INSTALL_S
        )
