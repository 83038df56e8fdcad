"""``evalkit probe`` finds what a server does wrong, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import evalkit
from support.faulty import results_of
from support.stand_in import stand_in

pytestmark = pytest.mark.usefixtures("blank_plots")

KEY = "s3cret-key-0123"


def well_behaved(body: Any, headers: dict[str, str], **changes: Any) -> tuple[int, bytes]:
    """Answer as the Assisters page says, with some rules changed."""
    rules: dict[str, Any] = {
        "key": True,
        "model": True,
        "empty": True,
        "top_n": True,
        "echo": True,
        "limit": 1000,
    } | changes
    refuse = lambda status, what: (status, orjson.dumps({"error": {"message": what}}))  # noqa: E731
    if rules["key"] and headers.get("authorization") != f"Bearer {KEY}":
        return refuse(401, "bad key")
    if rules["model"] and body["model"] != "m":
        return refuse(400, "unknown model")
    texts = [d["text"] if isinstance(d, dict) else d for d in body["documents"]]
    if rules["empty"] and not texts:
        return refuse(400, "no documents")
    if len(texts) > rules["limit"]:
        return refuse(400, "too many documents")
    results = results_of({**body, "documents": texts})
    if rules["top_n"]:
        results = results[: body.get("top_n")]
    if body.get("return_documents") and rules["echo"]:
        for result in results:
            result["document"] = texts[result["index"]]
    if "change" in rules:
        results = rules["change"](results, body)
    return 200, orjson.dumps({"model": body["model"], "results": results, "usage": {"total_tokens": 3}})


def refuse(status: int, what: str) -> tuple[int, bytes]:
    """Refuse a request."""
    return status, orjson.dumps({"error": {"message": what}})


def drifting() -> Callable[[list[dict[str, Any]], Any], list[dict[str, Any]]]:
    """Move all scores a little more with every call."""
    count = iter(range(10_000))

    def change(results: list[dict[str, Any]], _body: Any) -> list[dict[str, Any]]:
        shift = next(count) * 0.1
        return [{**r, "relevance_score": (r["relevance_score"] + shift) % 1} for r in results]

    return change


def by_place(results: list[dict[str, Any]], body: Any) -> list[dict[str, Any]]:
    """Score by the place in the list."""
    return [{**r, "relevance_score": 1 - r["index"] / (len(body["documents"]) + 1)} for r in results]


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"key": False}, {"an invalid key is refused"}),
    ({"model": False}, {"an unknown model is refused"}),
    ({"empty": False}, {"an empty list of documents is refused"}),
    ({"top_n": False}, {"top_n returns the best n results"}),
    ({"echo": False}, {"return_documents returns the document of each index"}),
    ({"limit": 100}, {"the documented maximum number of documents is scored"}),
    ({"change": lambda r, _: r[::-1]}, {"results are sorted, best first", "top_n returns the best n results"}),
    ({"change": lambda r, _: [{**e, "relevance_score": e["relevance_score"] * 9} for e in r]},
     {"scores are in the documented range"}),
    ({"change": lambda r, b: r[:1000] if len(b["documents"]) > 1000 else r, "limit": 5000},
     {"one document above the maximum is scored or refused, never dropped"}),
    ({"change": lambda r, _: [{**e, "document": "x"} for e in r]},
     {"documents are returned only on request", "return_documents returns the document of each index"}),
]  # fmt: skip


def probe(tmp_path: Path, folder: Path, url: str, *words: str) -> Any:
    """Run ``evalkit probe`` and return the process."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {folder}}}]\nretriever: {{depth: 5}}\n"
        f"rerankers:\n  api: {{backend: http, url: '{url}', model: m, retry_wait_s: 0.01,\n"
        "    api_key_env: TEST_PROBE_KEY}\n",
        encoding="utf-8",
    )
    return evalkit("probe", config, "--reranker", "api", *words, env={"TEST_PROBE_KEY": KEY})


@pytest.mark.parametrize(
    ("changes", "broken"), CASES, ids=lambda case: ", ".join(sorted(case)) or "well behaved"
)
def test_a_probe_finds_what_is_broken(
    changes: dict[str, Any], broken: set[str], tmp_path: Path, beir_folder: Path
) -> None:
    """Exactly the promises that the server breaks are reported, with evidence; the exit is 3, or 0 without any."""
    with stand_in(lambda body, headers: well_behaved(body, headers, **changes)) as url:
        done = probe(tmp_path, beir_folder, url, "--json")
    findings = orjson.loads(done.stdout)
    assert {f["promise"] for f in findings if f["verdict"] == "broken"} == broken, done.stdout
    assert all(f["evidence"] for f in findings)
    assert done.returncode == (3 if broken else 0), done.stderr
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "promise"),
    [(drifting(), "repeated requests return the same scores"),
     (by_place, "the score of a pair does not depend on its list (pointwise)")],
)  # fmt: skip
def test_a_probe_measures_drift(change: Any, promise: str, tmp_path: Path, beir_folder: Path) -> None:
    """Scores that move when asked again, or with the list they are sent in, are found with their amount."""
    with stand_in(lambda body, headers: well_behaved(body, headers, change=change)) as url:
        done = probe(tmp_path, beir_folder, url, "--json")
    found = {f["promise"]: f for f in orjson.loads(done.stdout)}
    assert found[promise]["verdict"] == "broken"
    assert "pairs" in found[promise]["evidence"]


def test_a_probe_says_what_it_cannot_do(tmp_path: Path, beir_folder: Path) -> None:
    """An unknown tag is exit 2 with the nearest one; a server that is not there is exit 3."""
    gone = probe(tmp_path, beir_folder, "http://127.0.0.1:9/v1/rerank")
    assert gone.returncode == 3
    assert "cannot reach" in gone.stderr
    done = evalkit("probe", tmp_path / "c.yaml", "--reranker", "apy", env={"TEST_PROBE_KEY": KEY})
    assert done.returncode == 2
    assert "unknown reranker 'apy'\n  hint: did you mean 'api'?" in done.stderr
