"""Approved outputs: whole texts that a person has read."""

from __future__ import annotations

import os

from support.command import ROOT

OUTPUTS = ROOT / "tests" / "golden" / "outputs"


def approve(name: str, text: str) -> None:
    """Compare with the approved output, or write it where that is asked."""
    file = OUTPUTS / name
    if os.environ.get("EVALKIT_REWRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text
