"""Promises about scores: each one broken by a backend that breaks it alone, and kept by an honest one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.checked import Backend, by_pair, exchanged, request
from support.faulty import hashed_score

from evalkit.backend_checks import ExchangedQueries
from evalkit.backend_checks.check_calls import CheckResult
from evalkit.backend_checks.score_checks import PROMISES, probe_scores
from evalkit.errors import CallError
from evalkit.records import RerankRequest, ScoreKind, Usage

EVERY_DOCUMENT = "every document gets one finite score"
SORTED = "results are sorted, best first"
RANGE = "scores are in the documented range"
DUPLICATES = "duplicate documents get the same score"
EMPTY_QUERY = "an empty query is scored or refused"
EMPTY_DOCUMENT = "an empty document is scored or refused"
ODD_TEXT = "text in any script is scored or refused"
LONG_TEXT = "an over-long document is scored or refused"
BILLED = "the reply reports the billed usage"
SAME_TWICE = "repeated requests return the same scores"
POINTWISE = "the score of a pair does not depend on its list (pointwise)"
ON_QUERY, ON_DOCUMENT = "scores depend on the query", "scores depend on the document"


def probe(backend: Backend) -> dict[str, CheckResult]:
    """Return what is found, by promise."""
    found = list(probe_scores(backend.session(), "tiny", [request(0), request(1)], exchanged()))
    assert len({one.promise for one in found}) == len(found)
    return {one.promise: one for one in found}


def verdicts(backend: Backend, *promises: str) -> list[str]:
    """Return the verdicts on some promises."""
    found = probe(backend)
    return [found[promise].verdict for promise in promises]


def unless(refuses: Any, failure: CallError) -> Backend:
    """Return an honest backend that fails where a function says so."""
    return Backend(lambda one: failure if refuses(one) else by_pair(one))


def test_an_honest_backend_keeps_every_promise() -> None:
    """All promises are looked at, each with evidence; only what it does not claim cannot be tested."""
    found = probe(Backend(order=lambda scores: np.argsort(-scores), usage=Usage(tokens=7)))
    assert list(found) == [EVERY_DOCUMENT, *PROMISES, SAME_TWICE, POINTWISE, ON_QUERY, ON_DOCUMENT, RANGE]
    assert {one.verdict for one in found.values()} == {"kept"}
    assert all(one.evidence for one in found.values())
    assert found[EVERY_DOCUMENT].evidence == "6 documents, 6 scores"


@pytest.mark.parametrize(
    "answer", [CallError("http", "answered 500: no", http_status=500), [0.5], [np.nan] * 6], ids=str
)
def test_without_a_single_answer_there_is_nothing_to_probe(answer: Any) -> None:
    """Where the first plain call fails the probe ends with its failure, and finds nothing."""
    with pytest.raises(CallError):
        next(probe_scores(Backend(lambda _one: answer).session(), "tiny", [request()], exchanged()))


@pytest.mark.parametrize(
    ("order", "verdict"),
    [(lambda s: np.argsort(-s), "kept"), (np.argsort, "broken"),
     (lambda s: np.arange(len(s)), "broken"), (None, "not testable")],
    ids=["best first", "worst first", "as sent", "no list"],
)  # fmt: skip
def test_a_list_is_sorted_by_its_own_scores(order: Any, verdict: str) -> None:
    """Where a backend has a list of its own, its scores fall from top to bottom."""
    assert verdicts(Backend(order=order), SORTED) == [verdict]


BOUNDS: dict[ScoreKind, tuple[float, float]] = {"probability": (0.0, 1.0), "cosine": (-1.0, 1.0)}


@settings(max_examples=30)
@given(kind=st.sampled_from(sorted(BOUNDS)), scores=st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_a_range_holds_all_scores_or_is_broken(kind: ScoreKind, scores: list[float]) -> None:
    """Probabilities are in 0 to 1, cosines in -1 to 1, except for rounding."""
    low, high = BOUNDS[kind]
    inside = all(max(low - score, score - high) <= 1e-6 for score in scores)
    found = probe(Backend(lambda one: (scores * 2)[: len(one.documents)], score_kind=kind))
    assert found[RANGE].verdict == ("kept" if inside else "broken")
    assert found[RANGE].evidence.endswith(f"documented {low:g} to {high:g}")


@pytest.mark.parametrize("kind", ["logit", "unbounded", "unknown"])
def test_without_a_range_there_is_nothing_to_break(kind: ScoreKind) -> None:
    """What was seen is reported all the same."""
    found = probe(Backend(lambda one: [9 * score for score in by_pair(one)], score_kind=kind))[RANGE]
    assert found.verdict == "not testable"
    assert found.evidence.startswith(f"{kind}: no documented range; observed ")


@pytest.mark.parametrize(("factor", "verdict"), [(3, "kept"), (9, "broken")])
def test_grades_have_the_range_of_their_scale(factor: float, verdict: str) -> None:
    """A reranker that grades from 0 to 3 is held to this range, whatever the kind of its scores."""
    backend = Backend(lambda one: [factor * score for score in by_pair(one)], score_kind="unbounded")
    backend.highest_grade = 3  # type: ignore[attr-defined]
    found = probe(backend)[RANGE]
    assert found.verdict == verdict
    assert found.evidence.endswith("documented 0 to 3")


def test_where_words_move_no_score_no_limit_is_reported() -> None:
    """A judge of a few levels gives a text with the query and one without it the same grade: no limit is known."""
    words = "This sentence is only here"
    found = probe(
        Backend(lambda one: [0.0 if words in doc else hashed_score(one.query, doc) for doc in one.documents])
    )[LONG_TEXT]
    assert found.verdict == "not testable"
    assert "0 words" not in found.evidence


def by_place(one: RerankRequest) -> list[float]:
    """Score by the query and the place."""
    return [1 / (2 + place + hashed_score(one.query, "")) for place in range(len(one.documents))]


def as_ranks(one: RerankRequest) -> list[float]:
    """Score by rank: whole numbers from 1, as a list that was sorted by words has them."""
    return [float(rank) for rank in np.argsort(np.argsort(by_pair(one))) + 1]


def test_a_document_sent_twice_has_one_score() -> None:
    """Two places of one text differ where places count; ranks differ by nature, so nothing is said of them."""
    assert verdicts(Backend(), DUPLICATES) == ["kept"]
    assert verdicts(Backend(by_place), DUPLICATES) == ["broken"]
    assert verdicts(Backend(as_ranks), DUPLICATES) == ["not testable"]

    def rounding(one: RerankRequest) -> list[float]:
        return [score + 1e-9 * place for place, score in enumerate(by_pair(one))]

    assert verdicts(Backend(rounding), DUPLICATES) == ["kept"]
    twice = unless(lambda one: len(set(one.documents)) < len(one.documents), CallError("backend", "twice"))
    found = probe(twice)[DUPLICATES]
    assert (found.verdict, found.evidence) == ("broken", "a list with a repeated document is not scored")


ODD = {
    EMPTY_QUERY: lambda one: not one.query,
    EMPTY_DOCUMENT: lambda one: "" in one.documents,
    ODD_TEXT: lambda one: any("\x00" in text for text in one.documents),
    LONG_TEXT: lambda one: any(len(text) > 4000 for text in one.documents),
}


@pytest.mark.parametrize("promise", ODD)
@pytest.mark.parametrize(
    ("status", "verdict"), [(400, "kept"), (422, "kept"), (499, "kept"), (500, "broken"), (None, "broken")]
)
def test_an_odd_request_is_scored_or_clearly_refused(promise: str, status: int | None, verdict: str) -> None:
    """A status 4xx is an answer, anything else a fault of the server; no other promise suffers."""
    found = probe(unless(ODD[promise], CallError("http", "no such text", http_status=status)))
    assert found[promise].verdict == verdict
    said = "refused" if verdict == "kept" else "failed"
    assert f"{said}: no such text" in found[promise].evidence
    assert {one.verdict for name, one in found.items() if name != promise} <= {"kept", "not testable"}


def reading(words: int) -> Backend:
    """Return a backend that reads that many words of a document."""
    return Backend(
        lambda one: [hashed_score(one.query, " ".join(text.split()[:words])) for text in one.documents]
    )


@pytest.mark.parametrize("words", [20, 100, 512, 3000, 8192])
def test_where_reading_ends_is_found_to_a_sixteenth(words: int) -> None:
    """The evidence names about the number of words that the model reads."""
    found = probe(reading(words))[LONG_TEXT]
    assert found.verdict == "kept"
    reported = int(found.evidence.partition("about ")[2].partition(" words")[0])
    assert abs(reported - words) <= max(16, words // 8)


def test_a_backend_that_reads_everything_says_so() -> None:
    """Up to the longest text that is sent; a refusal above some length names both lengths."""
    assert probe(Backend())[LONG_TEXT].evidence == "at least 65536 words are read"
    longest = CallError("http", "too long", http_status=413)
    found = probe(unless(lambda one: any(len(text.split()) > 1100 for text in one.documents), longest))[
        LONG_TEXT
    ]
    assert found.evidence == "at least 1024 words are read; at 2048 words refused: too long"


def test_a_model_of_ranks_is_only_asked_to_survive_a_long_text() -> None:
    """Ranks say nothing of how far a text was read: one request, and no length is reported."""
    backend = Backend(as_ranks, pointwise=False)
    found = probe(backend)
    assert (found[LONG_TEXT].verdict, found[LONG_TEXT].evidence) == ("kept", "scored")
    assert sum(any(len(text) > 4000 for text in one.documents) for one in backend.asked) == 1


@pytest.mark.parametrize(
    ("usage", "said"),
    [(Usage(tokens=7), "tokens 7"), (Usage(tokens=7, units=1), "tokens 7, units 1"),
     (Usage(billed_bytes=2048), "billed_bytes 2048"), (Usage(cost_usd=0.002), "cost_usd 0.002"),
     (Usage(tokens=0), "tokens 0")],
    ids=str,
)  # fmt: skip
def test_what_is_billed_is_repeated(usage: Usage, said: str) -> None:
    """Every figure of the reply, 0 included; a reply without any is no fault."""
    found = probe(Backend(usage=usage))[BILLED]
    assert (found.verdict, found.evidence) == ("kept", said)
    assert probe(Backend())[BILLED].verdict == "not testable"


def noisy(amount: float) -> Backend:
    """Return a backend whose scores have noise."""
    turn = itertools.cycle([0.0, amount])

    def answer(one: RerankRequest) -> list[float]:
        shift = next(turn)
        return [score + shift for score in by_pair(one)]

    return Backend(answer, score_kind="logit")


def test_the_same_request_gives_the_same_scores() -> None:
    """Bit for bit, or within a twentieth of their spread; beyond that nothing is said of other lists either."""
    found = probe(Backend())[SAME_TWICE]
    assert (found.verdict, found.evidence) == ("kept", "12 pairs, bitwise equal")
    found = probe(noisy(1e-4))[SAME_TWICE]
    assert found.verdict == "kept"
    assert "of the standard deviation" in found.evidence
    assert verdicts(noisy(5.0), SAME_TWICE, POINTWISE) == ["broken", "not testable"]


def test_equal_scores_cannot_tell_whether_they_are_pointwise() -> None:
    """A backend that gives every pair the same score gives it again, and there is no spread to measure by."""
    found = probe(Backend(lambda one: [0.5] * len(one.documents)))
    assert (found[SAME_TWICE].verdict, found[POINTWISE].verdict) == ("kept", "not testable")


def test_a_list_that_matters_breaks_the_promise_unless_none_was_made() -> None:
    """Declared otherwise, the figures are reported and nothing is broken."""
    assert verdicts(Backend(by_place), POINTWISE) == ["broken"]
    found = probe(Backend(by_place, pointwise=False))[POINTWISE]
    assert found.verdict == "not testable"
    assert found.evidence.startswith(
        "declared pointwise: false; largest score change of 12 pairs of 2 queries: 0 in a repeated call"
    )


@pytest.mark.parametrize(
    ("answer", "verdicts_found", "says"),
    [
        (by_pair, ["kept", "kept"], "4 queries with the same 6 documents: scores from "),
        (lambda one: [0.5] * len(one.documents), ["broken", "broken"], "every score is 0.5"),
        (
            lambda one: [hashed_score("", text) for text in one.documents],
            ["broken", "kept"],
            "0 between queries",
        ),
        (
            lambda one: [hashed_score(one.query, "")] * len(one.documents),
            ["kept", "broken"],
            "0 between documents",
        ),
        (as_ranks, ["kept", "kept"], "scores from 1 to 6"),
    ],
    ids=["the pair", "constant", "the document alone", "the query alone", "ranks"],
)
def test_scores_depend_on_the_query_and_on_the_document(
    answer: Any, verdicts_found: list[str], says: str
) -> None:
    """Each is a promise of its own; a constant breaks both."""
    found = probe(Backend(answer))
    assert [found[ON_QUERY].verdict, found[ON_DOCUMENT].verdict] == verdicts_found
    assert says in found[ON_QUERY].evidence


def test_a_sample_that_could_not_be_drawn_says_why() -> None:
    """Both promises are not testable, and no call is made for them."""
    backend = Backend()
    missing = ExchangedQueries("tiny", (), missing="no two queries differ")
    *_, query, document, _ = probe_scores(backend.session(), "tiny", [request()], missing)
    assert {(one.verdict, one.evidence) for one in (query, document)} == {
        ("not testable", "no two queries differ")
    }
