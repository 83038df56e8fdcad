"""The examples on the page of the service, run as they are printed there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from textwrap import dedent

import orjson
import pytest
from support.command import ROOT, serving
from support.pages import blocks

from evalkit.config.load import build_config
from evalkit.config.source import Source, parse_value
from evalkit.dialects.decision_formats import SystemOneFormat

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


def test_the_question_of_the_page_is_one_that_a_reranker_answers() -> None:
    """It names the second document; the wordings that the page declares are settings of the service."""
    body = orjson.loads(example("console", "systemone").partition("-d '")[2].rpartition("'")[0])
    request = SystemOneFormat().decode_request(body)
    assert (request.query, request.documents) == (
        body["state"]["query"],
        (body["state"]["documents"]["D01"],),
    )
    block = parse_value(dedent(example("yaml", "decision_questions")))
    named = {"name": "page", "datasets": ["demo"], "rerankers": {"r": {"backend": "lexical"}}, **block}
    service = build_config(Source("page", data=named)).service
    assert service is not None
    first, second = service.decision_questions
    assert (first.true, second.true, second.false) == ("", "It contains the answer.", "It does not.")
