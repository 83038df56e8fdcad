"""Causes of failures: counted by query, the last attempt of each, whatever numbers and ids the messages contain."""

from __future__ import annotations

from dataclasses import replace

from support.result_folders import MANIFEST

from evalkit.results.failure_reasons import failure_reasons, hints_of, in_words, unfinished_work
from evalkit.results.manifest import Failure, Manifest, QualityPass

PASS = "quality"
STOPPED = "not sent: 'a' was stopped after this failure: "


def failure(query_id: str, message: str, hint: str | None = None) -> Failure:
    """Return a failed attempt of the quality pass of reranker a over dataset d."""
    return Failure(
        dataset="d", reranker="a", query_id=query_id, pass_=PASS, batch_size=5, attempt=1, status="failed",
        kind="http", message=message, hint=hint, http_status=429, body=None,
    )  # fmt: skip


def of_pass(name: str, row: Failure) -> Failure:
    """Return a failure of another pass."""
    return replace(row, pass_=name)


def manifest_with(*failed: str) -> Manifest:
    """Return a manifest in which reranker a failed on these of ten queries."""
    entry = QualityPass("d", "a", None, 10, 10 - len(failed), failed, 50, 0)
    return replace(MANIFEST, quality_passes=(entry,))


def test_messages_that_differ_in_numbers_and_ids_are_one_cause() -> None:
    """The most frequent cause comes first, with the first hint of its failures."""
    rows = [
        failure("q1", "u returned 500: broken"),
        failure("q2", "u returned 429: 3 of 10 used (request req_a1b2)", hint="slow down"),
        failure("q3", "u returned 429: 4 of 10 used (request req_c3d4)"),
        replace(failure("q4", f"{STOPPED}u returned 429: 9 of 10 used (request 7f)"), status="not sent"),
    ]
    found = failure_reasons(manifest_with("q1", "q2", "q3", "q4"), rows)
    assert [(one.count, one.hint) for one in found] == [(3, "slow down"), (1, None)]
    assert (
        in_words(found)
        == '3 x "u returned 429: 3 of 10 used (request req_a1b2)"; 1 x "u returned 500: broken"'
    )
    assert hints_of(found) == ["slow down"]


def test_the_last_failure_of_a_query_without_scores_counts() -> None:
    """Neither a retried attempt, nor a query that has its scores by now, nor a check is a cause."""
    rows = [
        failure("q1", "first"),
        replace(failure("q1", "second"), status="retried"),
        failure("q1", "third"),
        failure("q2", "since passed"),
        of_pass("check", failure("q1", "a check")),
    ]
    (found,) = failure_reasons(manifest_with("q1"), rows)
    assert (found.count, found.message) == (1, "third")


def test_sentences_name_what_is_missing_and_why() -> None:
    """Queries without scores and failed timed calls; a query that was never sent has no cause."""
    manifest = manifest_with("q1", "q2")
    rows = [
        failure("q1", "no"),
        of_pass("latency", failure("q9", "late")),
        of_pass("latency", failure("q9", "late")),
    ]
    reasons = failure_reasons(manifest, rows)
    assert unfinished_work(manifest, reasons) == [
        "'a' failed on 2 of 10 queries: 1 x \"no\"",
        "2 timed calls to 'a' failed: 2 x \"late\"",
    ]
    assert unfinished_work(manifest, ()) == ["'a' failed on 2 of 10 queries of d"]


def test_rare_causes_are_counted_together() -> None:
    """A sentence names two causes and the number of the others."""
    rows = [failure(f"q{n}", text) for n, text in enumerate(["a", "a", "b", "b", "c", "d"])]
    found = failure_reasons(manifest_with(*(f"q{n}" for n in range(6))), rows)
    assert in_words(found) == '2 x "a"; 2 x "b"; 2 for other reasons'
