"""Check promises about scores, which every backend makes, over HTTP or in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.backend_checks.check_calls import CheckCaller, CheckResult, broken, kept, not_testable
from evalkit.backend_checks.pointwise import PointwiseCheck, check_pointwise
from evalkit.backend_checks.score_dependence import (
    DependenceCheck,
    ExchangedQueries,
    check_dependence,
    may_be_ranks,
)
from evalkit.backend_checks.score_scale import rounding_of, tolerance_of
from evalkit.errors import CallError
from evalkit.records import RANGES, RerankRequest, RerankResponse, outside_range
from evalkit.rerankers import highest_grade
from evalkit.reranking import RerankerSession

_FILLER = "This sentence is only here to make the document longer than the one before it. "
_ODD_TEXTS = ("中文 العربية हिन्दी 🎉", "nul \x00 and \u2028 separators", '"quotes" \\ and\ttabs\n')
_SHORTEST_WORDS, _LONGEST_WORDS = 64, 65_536
_BISECTIONS = 4
"""Calls that find the limit between two sizes, of which one is twice the other, within one sixteenth."""
_ROUNDING = 1e-4
"""Differences up to this share of the scores' standard deviation are rounding."""


def probe_scores(
    session: RerankerSession, dataset: str, requests: list[RerankRequest], exchanged: ExchangedQueries
) -> Generator[CheckResult, None, RerankRequest]:
    """Yield the result of every check, and return a request that is scored; each needs at least two documents.

    `exchanged` are requests of a few queries for the same documents.

    Raises
    ------
    CallError
        If no request is scored; see `CheckCaller.first_scored`.
    """
    caller = CheckCaller(session, dataset)
    first, response, refused = caller.first_scored(requests)
    size = len(first.documents)
    yield kept(
        "every document gets one finite score",
        f"{size} documents, {size} scores"
        + (f" of query {first.query_id!r}; not the first one: {refused.message}" if refused else ""),
    )
    for promise, test in PROMISES.items():
        yield test(session, caller, first, response, promise)
    check = check_pointwise(session.tag, dataset, requests, caller.scores)
    yield _deterministic(check)
    yield _pointwise(session, check)
    yield from _dependence(
        check_dependence(session.tag, exchanged, caller.scores, ranks=may_be_ranks(session.reranker))
    )
    yield _in_range(session, caller)
    return first


def _sorted(
    _session: RerankerSession,
    _caller: CheckCaller,
    _request: RerankRequest,
    response: RerankResponse,
    promise: str,
) -> CheckResult:
    in_order = response.list_is_sorted
    if in_order is None:
        return not_testable(promise, "this backend returns scores in the order of the request")
    return (kept if in_order else broken)(promise, "compared with the returned scores")


def _in_range(session: RerankerSession, caller: CheckCaller) -> CheckResult:
    """Return whether the scores of all calls so far are in the documented range."""
    promise, kind = "scores are in the documented range", session.reranker.score_kind
    observed = f"{caller.lowest:.4g} to {caller.highest:.4g}"
    grades = highest_grade(session.reranker)
    bounds = RANGES.get(kind) if grades is None else (0.0, float(grades))
    if bounds is None:
        return not_testable(promise, f"{kind}: no documented range; observed {observed}")
    if grades is None:
        inside = outside_range(np.array([caller.lowest, caller.highest]), kind) is None
    else:
        inside = bounds[0] <= caller.lowest and caller.highest <= bounds[1]
    return (kept if inside else broken)(
        promise, f"observed {observed}, documented {bounds[0]:g} to {bounds[1]:g}"
    )


def _with_documents(request: RerankRequest, *documents: str, query: str | None = None) -> RerankRequest:
    ids = tuple(f"probe-{i}" for i in range(len(documents)))
    return replace(request, query=request.query if query is None else query, documents=documents, doc_ids=ids)


def _duplicates(
    session: RerankerSession,
    caller: CheckCaller,
    request: RerankRequest,
    response: RerankResponse,
    promise: str,
) -> CheckResult:
    if session.reranker.score_kind == "rank" or _are_ranks(response.scores):
        return not_testable(promise, "the scores are ranks, which never repeat")
    a, b = request.documents[:2]
    scores = caller.scores(_with_documents(request, a, b, a))
    if scores is None:
        return broken(promise, "a list with a repeated document is not scored")
    moved = abs(float(scores[0] - scores[2]))
    spread = float(np.abs(scores - scores[1]).max())
    same = moved <= tolerance_of(spread, rounding_of(scores))
    evidence = f"the two scores differ by {moved:.2g}"
    if not (same or session.reranker.pointwise):  # its scores may depend on the list, and so on the place
        return CheckResult(promise, "not met", f"declared pointwise: false; {evidence}")
    return (kept if same else broken)(promise, evidence)


def _are_ranks(scores: NDArray[np.float64]) -> bool:
    """Return whether scores are ranks: a pair's score then depends on the other documents."""
    return bool((np.sort(scores) == np.arange(1, len(scores) + 1)).all())


def _scored_or_refused(caller: CheckCaller, promise: str, request: RerankRequest) -> CheckResult:
    """Return ``kept`` if an unusual request is scored or refused with a status 4xx, else ``broken``."""
    outcome = caller.outcome(request)
    if isinstance(outcome, RerankResponse):
        return kept(promise, "scored")
    return _refused_or_failed(promise, outcome, "")


def _refused_or_failed(promise: str, failure: CallError, prefix: str) -> CheckResult:
    """Return ``kept`` if a call was refused with a status 4xx, else ``broken``; `prefix` begins the evidence."""
    refused = failure.http_status is not None and 400 <= failure.http_status < 500
    hint = f" (hint: {failure.hint})" if failure.hint and not refused else ""
    return (kept if refused else broken)(
        promise, f"{prefix}{'refused' if refused else 'failed'}: {failure.message}{hint}"
    )


def _empty_query(
    _session: RerankerSession,
    caller: CheckCaller,
    request: RerankRequest,
    _response: RerankResponse,
    promise: str,
) -> CheckResult:
    return _scored_or_refused(caller, promise, replace(request, query=""))


def _empty_document(
    _session: RerankerSession,
    caller: CheckCaller,
    request: RerankRequest,
    _response: RerankResponse,
    promise: str,
) -> CheckResult:
    odd = _with_documents(request, request.documents[0], "", request.documents[1])
    return _scored_or_refused(caller, promise, odd)


def _odd_text(
    _session: RerankerSession,
    caller: CheckCaller,
    request: RerankRequest,
    _response: RerankResponse,
    promise: str,
) -> CheckResult:
    return _scored_or_refused(caller, promise, _with_documents(request, *_ODD_TEXTS))


def _long_text(
    session: RerankerSession,
    caller: CheckCaller,
    request: RerankRequest,
    response: RerankResponse,
    promise: str,
) -> CheckResult:
    if session.reranker.score_kind == "rank" or _are_ranks(response.scores):
        return _scored_or_refused(
            caller, promise, _with_documents(request, _FILLER * _LONGEST_WORDS, request.query)
        )
    words = (_FILLER * (_LONGEST_WORDS // len(_FILLER.split()) + 1)).split()
    read, size = 0, _SHORTEST_WORDS
    while size <= _LONGEST_WORDS:
        filler = " ".join(words[:size])
        outcome = caller.outcome(_with_documents(request, filler, f"{filler} {request.query}"))
        if isinstance(outcome, CallError):
            return _refused_or_failed(promise, outcome, f"at least {read} words are read; at {size} words ")
        if _equal_up_to_rounding(outcome.scores, response):
            cut = _find_limit(caller, request, response, words, read, size)
            if not cut:
                return not_testable(
                    promise, "scored; a short text with the query and one without it score the same"
                )
            return kept(promise, f"scored; text past about {cut} words is ignored")
        read, size = size, size * 2
    return kept(promise, f"at least {read} words are read")


def _find_limit(
    caller: CheckCaller,
    request: RerankRequest,
    response: RerankResponse,
    words: list[str],
    read: int,
    unread: int,
) -> int:
    """Return the number of words that are read, within one sixteenth, by bisection.

    Parameters
    ----------
    read, unread
        Numbers of words up to which texts are known to be read completely, and known not to be.
    """
    while unread - read > max(8, read // 16):
        middle = (read + unread) // 2
        filler = " ".join(words[:middle])
        scores = caller.scores(_with_documents(request, filler, f"{filler} {request.query}"))
        if scores is not None and not _equal_up_to_rounding(scores, response):
            read = middle
        else:
            unread = middle
    return read


def _equal_up_to_rounding(scores: NDArray[np.float64], response: RerankResponse) -> bool:
    """Return whether the first two scores are equal up to rounding, relative to the spread of ordinary scores."""
    return abs(float(scores[0] - scores[1])) <= _ROUNDING * float(np.std(response.scores))


def _usage(
    _session: RerankerSession,
    _caller: CheckCaller,
    _request: RerankRequest,
    response: RerankResponse,
    promise: str,
) -> CheckResult:
    usage = response.usage
    reported = {
        name: getattr(usage, name)
        for name in ("tokens", "units", "billed_bytes", "characters", "cost_usd")
        if getattr(usage, name) is not None
    }
    if not reported:
        return not_testable(promise, "the reply contains no usage, and none is documented")
    return kept(promise, ", ".join(f"{name} {value:g}" for name, value in reported.items()))


def _deterministic(check: PointwiseCheck) -> CheckResult:
    promise = "repeated requests return the same scores"
    if check.again is None or check.spread is None:
        return not_testable(promise, check.evidence())
    if check.again == 0:
        return kept(promise, f"{check.pairs} pairs, bitwise equal")
    share = (
        f", {check.again / check.spread:.1%} of the standard deviation of the scores" if check.spread else ""
    )
    return (broken if check.again > check.tolerance else kept)(
        promise, f"largest change of {check.pairs} pairs: {check.again:.2g}{share}"
    )


def _pointwise(session: RerankerSession, check: PointwiseCheck) -> CheckResult:
    promise = "the score of a pair does not depend on its list (pointwise)"
    if not session.reranker.pointwise:
        return not_testable(promise, f"declared pointwise: false; {check.evidence()}")
    if check.verdict in {"not testable", "unstable"}:
        return not_testable(promise, check.evidence())
    return (kept if check.verdict == "kept" else broken)(promise, check.evidence())


def _dependence(check: DependenceCheck) -> Iterator[CheckResult]:
    yield CheckResult("scores depend on the query", check.on_query, check.evidence())
    yield CheckResult("scores depend on the document", check.on_document, check.evidence())


PROMISES: Mapping[
    str, Callable[[RerankerSession, CheckCaller, RerankRequest, RerankResponse, str], CheckResult]
] = {
    "results are sorted, best first": _sorted,
    "duplicate documents get the same score": _duplicates,
    "an empty query is scored or refused": _empty_query,
    "an empty document is scored or refused": _empty_document,
    "text in any script is scored or refused": _odd_text,
    "an over-long document is scored or refused": _long_text,
    "the reply reports the billed usage": _usage,
}


def most_odd_requests(request: RerankRequest) -> Iterator[RerankRequest]:
    """Yield the requests that the checks of `PROMISES` send at most; the size of the bisected texts is the largest."""
    first, second = request.documents[:2]
    yield _with_documents(request, first, second, first)
    yield replace(request, query="")
    yield _with_documents(request, first, "", second)
    yield _with_documents(request, *_ODD_TEXTS)
    sizes = [_SHORTEST_WORDS << step for step in range((_LONGEST_WORDS // _SHORTEST_WORDS).bit_length())]
    for size in (*sizes, *[_LONGEST_WORDS] * _BISECTIONS):
        filler = _FILLER * (size // len(_FILLER.split()) + 1)
        yield _with_documents(request, filler, f"{filler} {request.query}")
