"""The references of commands and configurations are those that the code writes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import ROOT
from support.metric_reference import metric_reference
from support.references import command_reference, configuration_reference

WRITTEN = [
    (ROOT / "configs" / "reference.md", configuration_reference),
    (ROOT / "evalkit" / "cli" / "README.md", command_reference),
    (ROOT / "configs" / "metrics.md", metric_reference),
]


@pytest.mark.parametrize(("file", "write"), WRITTEN, ids=["keys", "commands", "metrics"])
def test_a_reference_says_what_the_code_does(file: Path, write: Callable[[], str]) -> None:
    """What stands in the file is what the code writes today; ``make golden`` writes it there."""
    text = write()
    if os.environ.get("EVALKIT_REWRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def test_every_key_and_flag_is_explained() -> None:
    """No key of any block, and no flag of any command, stands there without a word on what it does."""
    for _, write in WRITTEN[:2]:
        explained = [
            table.splitlines()[2:]
            for table in re.findall(r"(?:^\|.*\n)+", write(), flags=re.MULTILINE)
            if table.partition("\n")[0].endswith("| meaning |")
        ]
        assert sum(map(len, explained)) > 50
        assert not [row for rows in explained for row in rows if row.endswith("|  |")]
