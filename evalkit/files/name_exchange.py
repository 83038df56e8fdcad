"""Exchange two names in one step."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS have the same value."""


def exchange_names(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return whether the system and the file system can do it.

    Source: renameat2(2) of Linux, renamex_np(2) of macOS.
    """
    if sys.platform not in {"linux", "darwin"}:
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        code = library.renamex_np(os.fsencode(one), os.fsencode(other), _EXCHANGE)
    elif hasattr(library, "renameat2"):
        code = library.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    else:
        return False
    return bool(code == 0)
