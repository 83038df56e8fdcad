"""What the runtimes of local models share."""

from __future__ import annotations

import warnings

from evalkit.encoding.library_runtime import suppress_warnings
from evalkit.errors import EvalkitWarning


def test_only_the_libraries_are_silenced() -> None:
    """A warning of evalkit itself is for the user, wherever it is given."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        with suppress_warnings():
            warnings.warn("theirs", UserWarning, stacklevel=1)
            warnings.warn("ours", EvalkitWarning, stacklevel=1)
    assert [str(one.message) for one in caught] == ["ours"]
