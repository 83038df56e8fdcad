"""The Markdown pages of the repository, and the examples in them."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from support.command import ROOT

PAGES = [
    file
    for file in sorted(ROOT.rglob("*.md"))
    if not {"templates", "golden", "demo_data", "site-packages"} & set(file.parts)
    and not any(part.startswith(".") and part != ".github" for part in file.relative_to(ROOT).parts[:-1])
    and not (file.relative_to(ROOT).parts[0] == "results" and file.parent.name != "results")
]
USER_PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "configs").glob("*.md")),
    ROOT / "evalkit" / "python.md",
    ROOT / "evalkit" / "server" / "README.md",
    ROOT / "results" / "README.md",
    ROOT / "results" / "verdicts.md",
]
"""The pages for users that a person writes, and the reference of configurations."""


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a language, without the indentation of a list item."""
    found = re.findall(
        rf"(?ms)^( *)```{language}\n(.*?)^\1```$", page.read_text(encoding="utf-8")
    )  # fmt: skip
    return [dedent(code) for _, code in found]


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"(?ms)^ *```.*?^ *```", "", page.read_text(encoding="utf-8"))
