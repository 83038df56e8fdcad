"""Errors of the system that are no bugs."""

from __future__ import annotations

import errno

from evalkit.cli.system_errors import impossible_path, memory_limit


def test_a_library_that_does_not_fit_is_no_bug() -> None:
    """The loader's words tell; another failed import stays a bug."""
    error = memory_limit(ImportError("libarrow.so: failed to map segment from shared object"))
    assert error is not None
    assert error.exit_code == 3
    assert memory_limit(ImportError("No module named 'x'")) is None


def test_a_path_that_no_file_can_have_is_no_bug() -> None:
    """It is too long, or a loop of links; another error of the system is not explained by it."""
    error = impossible_path(OSError(errno.ENAMETOOLONG, "File name too long", "long"))
    assert error is not None
    assert "long: File name too long" in error.message
    loop = impossible_path(RuntimeError("Symlink loop from '/a'"))
    assert loop is not None
    assert loop.exit_code == 2
    assert impossible_path(OSError(errno.EIO, "Input/output error")) is None
