"""Laws of metrics at a budget of tokens: brute force over all lists, monotone laws, and known special cases."""

from __future__ import annotations

from itertools import combinations
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.metrics import best_packing, evaluate, parse_metric
from evalkit.metrics.budget_use import budget_use
from evalkit.metrics.recall import R
from evalkit.metrics.success import SUCCESS
from evalkit.records import DocumentTokens, Qrels, Run

DOCS = [f"d{i}" for i in range(7)]
QUERIES = ["q1", "q2"]
lengths = st.lists(st.integers(0, 6), min_size=len(DOCS), max_size=len(DOCS))
grades = st.dictionaries(st.sampled_from(DOCS), st.integers(-1, 3), min_size=1)
qrels = st.dictionaries(st.sampled_from(QUERIES), grades, min_size=1)
scores = st.dictionaries(st.sampled_from(DOCS), st.integers(-20, 20), min_size=1)
runs = st.dictionaries(st.sampled_from([*QUERIES, "q9"]), scores, min_size=1)
budgets = st.integers(1, 30)
NDCG = ["nDCG", "nDCG(dcg='exp-log2')", "nDCG(gains={0:1,1:3,2:1})"]
RISING = ["R", "R(rel=2)", "Success", "Success(rel=2)", "RR", "AP"]
ALL = [*NDCG, *RISING, "Judged"]


def as_run(lists: dict[str, dict[str, int]]) -> Run:
    """Return a run from nested dicts."""
    rows = [(q, d, float(s)) for q, docs in lists.items() for d, s in docs.items()]
    return Run.from_rows("t", [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def as_judgments(judged: dict[str, dict[str, int]], sizes: list[int]) -> Qrels:
    """Return judgments with the lengths of all documents."""
    return Qrels(judged, tokens=DocumentTokens("words", "0", dict(zip(DOCS, sizes, strict=True))))


def gain_of(metric: str, grade: int) -> float:
    """Return the gain of a grade as the metric defines it."""
    if "gains" in metric:
        grade = {0: 1, 1: 3, 2: 1}.get(grade, grade)
    grade = max(grade, 0)
    return 2.0**grade - 1 if "exp" in metric else float(grade)


def dcg(gains: list[float]) -> float:
    """Return the discounted cumulative gain of a list."""
    return sum(gain / log2(place + 2) for place, gain in enumerate(gains))


def brute_force(metric: str, judged: dict[str, int], sizes: dict[str, int], budget: int) -> float:
    """Return the highest discounted cumulative gain of any ordered list of judged documents that fits."""
    subsets = (some for n in range(len(judged) + 1) for some in combinations(judged, n))
    fitting = [some for some in subsets if sum(sizes.get(doc, 0) for doc in some) <= budget]
    # Among the orders of one set the descending one has the highest value.
    return max(dcg(sorted((gain_of(metric, judged[doc]) for doc in some), reverse=True)) for some in fitting)


@given(runs, qrels, lengths, budgets, st.sampled_from(NDCG))
def test_ndcg_at_a_budget_is_the_value_of_the_list_over_that_of_the_best_list_that_fits(
    lists: dict[str, dict[str, int]],
    judged: dict[str, dict[str, int]],
    sizes: list[int],
    budget: int,
    name: str,
) -> None:
    """The ideal is the best of all ordered lists of judged documents whose tokens fit; no value is above 1."""
    run, size_of, metric = as_run(lists), dict(zip(DOCS, sizes, strict=True)), f"{name}@{budget}t"
    found = evaluate(run, as_judgments(judged, sizes), [metric])
    for query_id, value in zip(found.query_ids, found.values[:, 0].tolist(), strict=True):
        docs, used = [], 0
        for doc in run.docs(query_id):
            used += size_of[doc]
            if used > budget:
                break
            docs.append(doc)
        of_query = judged[query_id]
        reached = dcg([gain_of(metric, of_query[doc]) if doc in of_query else 0.0 for doc in docs])
        ideal = brute_force(metric, of_query, size_of, budget)
        assert 0 <= value <= 1
        assert value == pytest.approx(reached / ideal if ideal else 0.0, abs=1e-12)


@given(qrels, st.lists(st.integers(0, 6), min_size=3, max_size=3), budgets, st.integers(1, 40))
def test_an_upper_bound_of_the_ideal_is_never_below_it(
    judged: dict[str, dict[str, int]], sizes: list[int], budget: int, most: int
) -> None:
    """With fewer lists to compare, or with lengths that are unknown, the ideal may only grow, and says so."""
    known = dict(zip(DOCS, sizes, strict=False))
    qrels = Qrels(judged, tokens=DocumentTokens("words", "0", known))
    run = Run.from_rows("t", ["q1"] * 3, DOCS[:3], [3.0, 2.0, 1.0])
    metric = parse_metric(f"nDCG@{budget}t")
    values = evaluate(run, qrels, [metric])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_packing, "MOST_LISTS", most)
        bounded = evaluate(run, qrels, [metric])
        use = budget_use(run, qrels, metric)
    assert (bounded.values <= values.values + 1e-12).all()
    changed = sum(
        a != pytest.approx(b) for a, b in zip(bounded.values[:, 0], values.values[:, 0], strict=True)
    )
    assert changed <= use.queries_with_bound


@given(runs, qrels, lengths, budgets, st.integers(0, 10))
def test_a_larger_budget_never_lowers_a_value(
    lists: dict[str, dict[str, int]],
    judged: dict[str, dict[str, int]],
    sizes: list[int],
    budget: int,
    more: int,
) -> None:
    """The list only becomes longer, and all relevant documents are the denominator of recall."""
    qrels = as_judgments(judged, sizes)
    low, high = (
        evaluate(as_run(lists), qrels, [f"{name}@{tokens}t" for name in RISING]).values
        for tokens in (budget, budget + more)
    )
    assert (low <= high).all()


@given(runs, qrels, lengths)
def test_an_unlimited_budget_is_no_cutoff(
    lists: dict[str, dict[str, int]], judged: dict[str, dict[str, int]], sizes: list[int]
) -> None:
    """Where every list fits, the values are those of the whole lists."""
    qrels = as_judgments(judged, sizes)
    without_cutoff = [
        f"{name}@{len(DOCS)}" if parse_metric(f"{name}@1").definition in (R, SUCCESS) else name
        for name in ALL
    ]
    at_budget = evaluate(as_run(lists), qrels, [f"{name}@10000000t" for name in ALL]).values
    whole = evaluate(as_run(lists), qrels, without_cutoff).values
    assert at_budget.tolist() == whole.tolist()


@given(runs, qrels, budgets)
def test_documents_of_one_token_make_a_budget_a_cutoff(
    lists: dict[str, dict[str, int]], judged: dict[str, dict[str, int]], budget: int
) -> None:
    """A budget of n tokens then holds n documents, in the ideal list, too."""
    qrels = as_judgments(judged, [1] * len(DOCS))
    at_budget, at_cutoff = (
        evaluate(as_run(lists), qrels, [f"{name}@{end}" for name in ALL]).values
        for end in (f"{budget}t", str(budget))
    )
    assert at_budget == pytest.approx(at_cutoff, abs=1e-12)


@given(runs, qrels, lengths, budgets)
def test_names_of_documents_do_not_matter(
    lists: dict[str, dict[str, int]], judged: dict[str, dict[str, int]], sizes: list[int], budget: int
) -> None:
    """Other ids in the same order of ties give the same values."""
    new = {doc: f"e{doc}" for doc in DOCS}
    names = [f"{name}@{budget}t" for name in ALL]
    values = evaluate(as_run(lists), as_judgments(judged, sizes), names).values
    renamed = evaluate(
        as_run({q: {new[d]: s for d, s in docs.items()} for q, docs in lists.items()}),
        Qrels(
            {q: {new[d]: g for d, g in docs.items()} for q, docs in judged.items()},
            tokens=DocumentTokens("words", "0", {new[d]: n for d, n in zip(DOCS, sizes, strict=True)}),
        ),
        names,
    ).values
    assert values.tolist() == renamed.tolist()


@given(runs, qrels, lengths, budgets)
def test_the_use_of_a_budget_adds_up(
    lists: dict[str, dict[str, int]], judged: dict[str, dict[str, int]], sizes: list[int], budget: int
) -> None:
    """Documents that fit and documents left out are all documents of the averaged queries; the tokens fit."""
    run, qrels = as_run(lists), as_judgments(judged, sizes)
    use = budget_use(run, qrels, parse_metric(f"nDCG@{budget}t"))
    assert use.queries == len(qrels.answerable)
    assert use.queries_with_bound == 0
    fitting = (use.mean_documents or 0) * use.queries
    assert fitting + use.documents_left_out == pytest.approx(sum(len(run.docs(q)) for q in qrels.answerable))
    assert (use.mean_tokens or 0) <= budget
    assert use.queries_without_documents <= use.queries_cut <= use.documents_left_out


@given(runs, qrels, lengths, st.sampled_from(DOCS), budgets)
def test_a_ranked_document_of_unknown_length_is_refused(
    lists: dict[str, dict[str, int]],
    judged: dict[str, dict[str, int]],
    sizes: list[int],
    unknown: str,
    budget: int,
) -> None:
    """It is never taken for a document without tokens; where no averaged query ranks it, it does not matter."""
    run, counts = as_run(lists), dict(zip(DOCS, sizes, strict=True))
    del counts[unknown]
    qrels = Qrels(judged)
    tokens = DocumentTokens("words", "0", counts)
    if any(unknown in run.docs(query_id) for query_id in qrels.answerable):
        with pytest.raises(InputError, match=f"'{unknown}'"):
            evaluate(run, qrels, [f"R@{budget}t"], tokens)
    else:
        evaluate(run, qrels, [f"R@{budget}t"], tokens)
