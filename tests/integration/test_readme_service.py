"""The examples on the page of the service, run as they are printed there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import orjson
import pytest
from support.command import ROOT, serving
from support.pages import blocks

PAGE = ROOT / "evalkit" / "server" / "README.md"
ADDRESS = "http://127.0.0.1:8080/v1/rerank"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return the address of the service of the page."""
    with serving("--backend", "lexical") as url:
        yield url


def example(language: str, holds: str) -> str:
    """Return the first block of a language that holds something."""
    return next(block for block in blocks(PAGE, language) if holds in block)


def said_by(*command: str) -> str:
    """Run a program and return what it printed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ranked(printed: str) -> list[tuple[int, float, str]]:
    """Return what an example printed: index, score and document of a line each."""
    return [
        (int(index), float(score), text)
        for index, score, text in (line.split(" ", 2) for line in printed.splitlines())
    ]


def test_all_languages_get_the_same_answer(address: str) -> None:
    """Curl prints the page's shape; Python and JavaScript print the same scores and documents."""
    shell = example("console", "curl").removeprefix("$ ").replace(ADDRESS, address)
    reply = orjson.loads(said_by("bash", "-c", shell))
    assert set(reply) == {"model", "results", "usage"}
    assert all(set(result) == {"index", "relevance_score", "document"} for result in reply["results"])
    expected = [(r["index"], r["relevance_score"], r["document"]) for r in reply["results"]]
    assert [index for index, _, _ in expected] == [1, 2]
    python = example("python", "httpx").replace(ADDRESS, address)
    assert ranked(said_by(sys.executable, "-c", python)) == expected
    script = example("js", "fetch").replace(ADDRESS, address)
    assert ranked(said_by("node", "--input-type=module", "--eval", script)) == expected
