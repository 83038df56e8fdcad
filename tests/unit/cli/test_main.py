"""What the command line does with the warnings of the package."""

from __future__ import annotations

import warnings

import pytest

from evalkit.cli.main import cli
from evalkit.errors import EvalkitWarning, InputNote


def test_warnings_are_printed_once_in_plain_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr, without the place in the code that Python adds; warnings of other packages stay Python's."""

    def warn(**_: object) -> None:
        for _ in range(2):
            warnings.warn("9 documents are cut.", EvalkitWarning, stacklevel=1)
        warnings.warn("reading 'P_2' as P@2", InputNote, stacklevel=1)

    monkeypatch.setattr("evalkit.cli.plugin.list_.callback", warn)
    cli(["plugin", "list"], standalone_mode=False)
    assert capsys.readouterr() == ("", "warning: 9 documents are cut.\nnote: reading 'P_2' as P@2\n")
