"""The programs that measures need beside ours: found, or installed where this user may."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from typing import Final

PACKAGES: Final = {
    "Orthanc": ("orthanc", "orthanc-dicomweb"),
    "dcmsend": ("dcmtk",),
    "strace": ("strace",),
    "wrk": ("wrk",),
    "npm": ("npm",),
    "chromium": ("chromium",),
}
"""Programs, and the Debian packages that bring them."""


def require(names: Iterable[str]) -> None:
    """Have these programs. Raises FileNotFoundError, in words, where one is missing and cannot be installed."""
    absent = [name for name in names if shutil.which(name) is None]
    wanted = [package for name in absent for package in PACKAGES[name]]
    if wanted and os.geteuid() == 0 and shutil.which("apt-get"):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *wanted]):
            subprocess.run(["apt-get", *command], check=True, stdout=subprocess.DEVNULL, env=environ)
        absent = [name for name in names if shutil.which(name) is None]
    if absent:
        raise FileNotFoundError(f"install {', '.join(absent)} (Debian: {' '.join(wanted)}) to measure beside it")
