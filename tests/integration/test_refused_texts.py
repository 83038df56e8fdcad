"""Whole runs against an API that refuses a text, or lists of some length: what is scored, and with how many calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_runs import visible
from support.command import Done, evalkit
from support.faulty import reply_of
from support.stand_in import stand_in

QUERIES, DEPTH = 8, 8
pytestmark = pytest.mark.long
LONG = "long " * 400
Refusal = Callable[[list[str]], tuple[int, Any] | None]


class Api:
    """A server that refuses some requests, and counts all.

    Attributes
    ----------
    lengths
        Number of documents of each request.
    """

    def __init__(self, refusal: Refusal) -> None:
        self._refusal = refusal
        self.lengths: list[int] = []

    def __call__(self, body: dict[str, Any], _headers: dict[str, str]) -> tuple[int, bytes]:
        """Refuse, or score every pair by its hash."""
        self.lengths.append(len(body["documents"]))
        refused = self._refusal(body["documents"])
        if refused is None:
            return 200, orjson.dumps(reply_of(body))
        return refused[0], orjson.dumps(refused[1])


def collection(folder: Path, odd: str, place: int, lists_with_it: int) -> Path:
    """Write a collection; the first lists have the text `odd` at a place, counted from 0."""
    (folder / "qrels").mkdir(parents=True)
    texts = {"odd": odd} | {f"d{n}": f"topic number {n}" for n in range(DEPTH)}
    lists = {f"q{n}": [f"d{m}" for m in range(DEPTH)] for n in range(QUERIES)}
    for n in range(lists_with_it):
        lists[f"q{n}"][place] = "odd"
    rows = [{"_id": name, "title": "", "text": text} for name, text in texts.items()]
    (folder / "corpus.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    asked = [{"_id": f"q{n}", "text": f"topic{n} question"} for n in range(QUERIES)]
    (folder / "queries.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in asked))
    judged = "".join(f"q{n}\td7\t1\n" for n in range(QUERIES))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")
    run = "".join(
        f"{q} Q0 {d} {rank} {-rank} first\n" for q, docs in lists.items() for rank, d in enumerate(docs, 1)
    )
    (folder / "first.run").write_text(run, encoding="utf-8")
    return folder


def ran(into: Path, api: Api, odd: str = LONG, place: int = 3, lists_with_it: int = 1) -> Done:
    """Run an experiment against the API, with the odd text in the first lists."""
    folder = collection(into / "data", odd, place, lists_with_it)
    with stand_in(api) as url:
        reranker = {"backend": "http", "url": url, "model": "m", "concurrency": 1}
        config = {
            "name": "t",
            "datasets": [{"source": "beir_folder", "path": str(folder)}],
            "retriever": {"kind": "trec_run", "path": str(folder / "first.run")},
            "depths": [DEPTH],
            "rerankers": {"api": reranker},
        }
        (into / "c.yaml").write_bytes(orjson.dumps(config))
        return evalkit("run", into / "c.yaml", "--into", into / "results")


def failed_queries(into: Path) -> list[str]:
    """Return the queries without scores."""
    manifest = orjson.loads((visible(into / "results")[0] / "manifest.json").read_bytes())
    return [query for one in manifest["quality_passes"] for query in one["failed"]]


def failures(into: Path) -> list[dict[str, Any]]:
    """Return the lines of the failure log of the quality pass that failed for good."""
    lines = (visible(into / "results")[0] / "failures.jsonl").read_bytes().splitlines()
    return [one for one in map(orjson.loads, lines) if one["status"] == "failed" and one["pass"] == "quality"]


def too_long(status: int, message: str) -> Refusal:
    """Refuse a list with a long text."""
    return lambda texts: (
        (status, {"error": {"message": message}}) if LONG.strip() in map(str.strip, texts) else None
    )


REFUSALS = [
    pytest.param(too_long(400, "maximum context length is 512 tokens"), id="400"),
    pytest.param(too_long(413, "no"), id="413 without a reason"),
    pytest.param(too_long(422, "no"), id="422 without a reason"),
    pytest.param(too_long(422, "must have less than 512 tokens"), id="422"),
    pytest.param(too_long(500, "input (900 tokens) is too large to process"), id="500"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_text_that_is_refused_costs_its_query_alone(tmp_path: Path, refusal: Refusal) -> None:
    """The other lists are sent whole, and the failure names the document."""
    api = Api(refusal)
    done = ran(tmp_path, api)
    assert done.returncode == 3
    assert failed_queries(tmp_path) == ["q0"]
    assert api.lengths.count(DEPTH) >= QUERIES
    assert len(api.lengths) <= QUERIES + 1 + 4 + 1, (
        "one test call, four of the dependence check, one more for the text"
    )
    (failure,) = failures(tmp_path)
    assert failure["query_id"] == "q0"
    assert "'odd' (2,000 characters)" in failure["message"]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_run_goes_on_if_the_first_text_of_all_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    """The note names the document; only its query fails."""
    done = ran(tmp_path, Api(refusal), place=0)
    assert done.returncode == 3
    assert "refused the first document of the first query (query 'q0', document 'odd')" in done.stderr
    assert failed_queries(tmp_path) == ["q0"]


@pytest.mark.parametrize("place", [0, 3])
def test_an_empty_text_that_is_refused_is_named(tmp_path: Path, place: int) -> None:
    """Also as the first text of all."""

    def refusal(texts: list[str]) -> tuple[int, Any] | None:
        return (400, {"detail": "Input cannot contain empty strings"}) if "" in texts else None

    assert ran(tmp_path, Api(refusal), "", place).returncode == 3
    assert failed_queries(tmp_path) == ["q0"]
    (failure,) = failures(tmp_path)
    assert failure["message"].endswith("; documents without text: 'odd'")


@pytest.mark.parametrize("status", [413, 422])
@pytest.mark.parametrize("message", ["no", "batch size 8 > maximum allowed batch size 4"])
def test_a_limit_of_documents_is_learned_although_a_text_is_refused(
    tmp_path: Path, status: int, message: str
) -> None:
    """All other queries are scored, in lists of half their length."""

    def refusal(texts: list[str]) -> tuple[int, Any] | None:
        if len(texts) > 4:
            return status, {"error": {"message": message}}
        return (status, {"error": {"message": "no"}}) if LONG.strip() in map(str.strip, texts) else None

    api = Api(refusal)
    assert ran(tmp_path, api).returncode == 3
    assert failed_queries(tmp_path) == ["q0"]
    assert api.lengths[-6:] == [4] * 6
    assert len(api.lengths) <= 2 * QUERIES + 14


def test_a_check_that_has_a_refused_text_says_so_and_the_run_goes_on(tmp_path: Path) -> None:
    """The note quotes the refusal, and names the longest document of the list; every list takes at most two calls."""
    api = Api(too_long(422, "no"))
    done = ran(tmp_path, api, place=1, lists_with_it=QUERIES)
    assert "not checked whether the scores of 'api' depend on the query and the document" in done.stderr
    assert "documents is 'odd' (2,000 characters)" in done.stderr
    assert len(failed_queries(tmp_path)) == QUERIES
    assert len(api.lengths) <= 2 * QUERIES + 2


def test_an_api_that_refuses_everything_is_not_said_to_be_silent(tmp_path: Path) -> None:
    """Its refusal is quoted as that of the first call, after two calls."""
    api = Api(lambda _texts: (400, {"error": {"message": "not today"}}))
    done = ran(tmp_path, api)
    assert done.returncode == 3
    assert "error: reranker 'api' failed its first call: http://127.0.0.1" in done.stderr
    assert "returned 400: not today" in done.stderr
    assert "does not answer" not in done.stderr
    assert api.lengths == [1, 1]
