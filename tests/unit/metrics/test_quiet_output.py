"""Nothing that runs inside is printed, and both outputs are as before afterwards."""

from __future__ import annotations

import os
import sys
import warnings

import pytest

from evalkit.metrics.quiet_output import quiet


def write_and_fail() -> None:
    """Write in every way, then raise."""
    with quiet():
        print("inside", file=sys.stderr)  # noqa: T201
        os.write(2, b"inside")
        warnings.warn("inside", UserWarning, stacklevel=1)
        raise ValueError("inside")


def test_outputs_are_back_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    """What was printed before is kept, what is printed inside is gone, and the exception passes."""
    print("before")  # noqa: T201
    with pytest.raises(ValueError, match="inside"):
        write_and_fail()
    print("after")  # noqa: T201
    assert capfd.readouterr() == ("before\nafter\n", "")


def test_it_may_be_nested(capfd: pytest.CaptureFixture[str]) -> None:
    """The inner one gives nothing back too early."""
    with quiet():
        with quiet():
            os.write(1, b"inner")
        os.write(1, b"outer")
    os.write(1, b"after")
    assert capfd.readouterr().out == "after"
