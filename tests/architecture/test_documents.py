"""Documents point at what is there: relative links, their anchors, and files named in backticks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    file
    for file in sorted(ROOT.rglob("*.md"))
    if not {"templates", "golden", "demo_data", "site-packages"} & set(file.parts)
    and not any(part.startswith(".") and part != ".github" for part in file.relative_to(ROOT).parts[:-1])
    and not (file.relative_to(ROOT).parts[0] == "results" and file.parent.name != "results")
]
SUFFIXES = r"(?:py|md|yaml|yml|toml|json|jsonl|csv|js|html|parquet|sqlite)"
FILE = re.compile(rf"`([\w.-]+(?:/[\w.-]+)*/?[\w-]+\.{SUFFIXES}|(?:evalkit|tests|configs)/[\w./-]*)`")
WRITTEN_BY_RUNS = re.compile(r"[\w.-]+\.(?:json|jsonl|parquet|sqlite|csv|html|yaml)|report\.md|mine\.py")
"""Files of a result folder, and files of users: named without a folder of the repository."""


def prose(file: Path) -> str:
    """Return a document without its code blocks."""
    return re.sub(r"(?ms)^ *```.*?^ *```", "", file.read_text(encoding="utf-8"))


def anchors(file: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(file))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_resolve(file: Path) -> None:
    """Every relative link leads to a file, and its anchor to a heading there."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(file)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_named_files_exist(file: Path) -> None:
    """Every file in backticks exists: from the root, from the document's folder, or from its package."""
    folders = [ROOT, file.parent, ROOT / "evalkit", ROOT / "tests", ROOT / "configs"]
    commands = re.findall(r"\bpython (tests/[\w/]+\.py)", file.read_text(encoding="utf-8"))
    for name in [*FILE.findall(prose(file)), *commands]:
        written = WRITTEN_BY_RUNS.fullmatch(name)
        assert written or any((folder / name).exists() for folder in folders), name
