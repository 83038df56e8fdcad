"""What a judge's file says, and the order in which pairs are judged."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from evalkit.judging.judged_pairs import JudgedPairs, draw_queries, in_random_order, seconds_each
from evalkit.records import Judgment, Rater

RATER = Rater("model", "m", "p" * 64, "0-3", {"model": "m"})
HASHES = {"q": "hq", "d": "hd", "e": "he"}


def one(doc: str, grade: float | None, rater: Rater = RATER, doc_sha256: str | None = None) -> Judgment:
    """Return a judgment of query ``q``."""
    failure = None if grade is not None else "refusal: no"
    return Judgment("q", doc, grade, rater, "2026-11-30T00:00:00+00:00", "hq", doc_sha256, failure=failure)


def state(*judgments: Judgment) -> JudgedPairs:
    """Return what judgments say."""
    return JudgedPairs.of(judgments, RATER, HASHES.get, HASHES.get)


def test_the_last_judgment_of_the_current_text_counts() -> None:
    """A later failure withdraws a grade, a later grade a failure; a judgment of another text does neither."""
    assert state(one("d", 1), one("d", None)).failed == {("q", "d"): "refusal: no"}
    assert state(one("d", None), one("d", 1)).graded == {("q", "d")}
    assert state(one("d", 1, doc_sha256="hd"), one("d", None, doc_sha256="old")).graded == {("q", "d")}
    assert state(one("d", 1, doc_sha256="old")).stale == {("q", "d")}


def test_what_remains_is_unjudged_stale_or_failed_on_demand() -> None:
    """A graded pair never remains; a failed one only if it is to be sent again."""
    found = state(one("d", 1), one("e", None), one("gone", 2, doc_sha256="old"))
    pairs = [("q", "d"), ("q", "e"), ("q", "gone"), ("q", "new")]
    assert found.remaining(pairs, retry_failed=False) == pairs[2:]
    assert found.remaining(pairs, retry_failed=True) == pairs[1:]


def test_another_prompt_or_setting_is_another_rater_and_the_name_of_replies_is_not() -> None:
    """A reply may name the model with its version; without prompt and settings the name alone identifies."""
    versioned = Rater("model", "m-2026", "p" * 64, "0-3", {"model": "m"})
    other_prompt = Rater("model", "m", "o" * 64, "0-3", {"model": "m"})
    other_model = Rater("model", "m", "p" * 64, "0-3", {"model": "n"})
    assert state(one("d", 1, versioned)).graded == {("q", "d")}
    for rater in (other_prompt, other_model):
        found = state(one("d", 1, rater))
        assert not found.graded
        assert not found.stale
    assert not Rater("model", "a").is_as_configured(Rater("model", "b"))


def test_the_order_depends_on_seed_and_ids_alone() -> None:
    """Queries stay together; the order of the input and further pairs do not matter; another seed is another order."""
    pairs = [(f"q{q}", f"d{d}") for q in range(8) for d in range(8)]
    order = in_random_order(pairs, 1)
    assert in_random_order(reversed(pairs), 1) == order
    assert [
        pair for pair in in_random_order([*pairs, ("q9", "d9"), ("q0", "d9")], 1) if pair in pairs
    ] == order
    assert in_random_order(pairs, 2) != order
    changes = sum(one[0] != other[0] for one, other in itertools.pairwise(order))
    assert changes == 7


def test_every_query_is_drawn_equally_often() -> None:
    """Over seeds each query is drawn as often as any other; draws of one seed are nested."""
    queries = [f"q{number}" for number in range(10)]
    counts = Counter(query for seed in range(2000) for query in draw_queries(queries, 3, seed))
    assert all(abs(counts[query] - 600) < 5 * (2000 * 0.3 * 0.7) ** 0.5 for query in queries)
    assert draw_queries(queries, 5, 3)[:3] == draw_queries(queries, 3, 3)


def test_the_pace_is_without_pauses_and_unknown_for_few_judgments() -> None:
    """Judgments every two seconds, with an hour between two runs."""
    times = [datetime(2026, 11, 30, hour, 0, 2 * step, tzinfo=UTC) for hour in (10, 11) for step in range(15)]
    found = [replace(one("d", 1), at=time.isoformat()) for time in times]
    assert seconds_each(found) == 2
    assert seconds_each(found[:15]) is None
    assert seconds_each([*found, replace(found[0], at="yesterday")]) == 2


def test_only_judgments_with_the_last_settings_are_done() -> None:
    """A judge that was changed and changed back judges again: in its file, the grades of the last settings count."""
    changed = replace(RATER, prompt_sha256="o" * 64)
    assert state(one("d", 1), one("e", 1, changed)).graded == frozenset()
    assert state(one("e", 1, changed), one("d", 1)).graded == {("q", "d")}
