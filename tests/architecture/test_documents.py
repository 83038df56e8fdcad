"""Documents point at what is there: relative links, their anchors, and files named in backticks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.command import ROOT
from support.pages import PAGES, USER_PAGES, prose

SUFFIXES = r"(?:py|md|yaml|yml|toml|json|jsonl|csv|js|html|parquet|sqlite)"
FILE = re.compile(rf"`([\w.-]+(?:/[\w.-]+)*/?[\w-]+\.{SUFFIXES}|(?:evalkit|tests|configs)/[\w./-]*)`")
WRITTEN_BY_RUNS = re.compile(r"[\w.-]+\.(?:json|jsonl|parquet|sqlite|csv|html|yaml)|report\.md|mine\.py")
"""Files of a result folder, and files of users: named without a folder of the repository."""


def anchors(file: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(file))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_resolve(file: Path) -> None:
    """Every relative link leads to a file, and its anchor to a heading there."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(file)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_named_files_exist(file: Path) -> None:
    """Every file in backticks exists: from the root, from the document's folder, or from its package."""
    folders = [ROOT, file.parent, ROOT / "evalkit", ROOT / "tests", ROOT / "configs"]
    commands = re.findall(r"\bpython (tests/[\w/]+\.py)", file.read_text(encoding="utf-8"))
    for name in [*FILE.findall(prose(file)), *commands]:
        written = WRITTEN_BY_RUNS.fullmatch(name)
        assert written or any((folder / name).exists() for folder in folders), name


def test_the_readme_shows_how_to_run_and_how_to_test() -> None:
    """Both commands are in the README, and both are targets of the Makefile."""
    readme, makefile = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    for target in ("run", "test"):
        assert re.search(rf"(?m)^\$ make {target}\b", readme), target
        assert re.search(rf"(?m)^{target}:", makefile), target


def test_the_readme_is_short() -> None:
    """It has fewer than 200 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 200


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_readme_links_every_page(file: Path) -> None:
    """A reader of the README finds every page with one click."""
    readme = ROOT / "README.md"
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", prose(readme))
    assert file == readme or file in {(ROOT / link).resolve() for link in links}


@pytest.mark.parametrize("file", USER_PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_samples_name_their_command(file: Path) -> None:
    """Every block of output follows a comment with the command that prints it, and shows something."""
    samples = re.findall(r"(?m)^(.*)\n```text\n(.*)$", file.read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"<!-- output: .+ -->", line) for line, _ in samples), samples
    assert all(first.strip("`") for _, first in samples), samples
