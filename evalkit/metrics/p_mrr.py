"""pMRR (p-MRR): whether a ranking follows a change of a query's instruction, over pairs of queries.

A query ``X-og`` has the original instruction and ``X-changed`` a narrower one, under which some documents are no longer
relevant. Of each document whose grade differs between the two, with the ranks r (original) and s (changed)::

    s / r - 1   if r >= s          1 - r / s   if r < s

It is 1 if the document falls to the end of an endless list, 0 if it keeps its rank, and -1 if it rises as far. A
document that is not in a list has the rank after its last. The value of a pair is the mean over its documents, and
the mean is over the pairs. Source: Weller et al., "FollowIR", arXiv 2403.15246, section 4.2, and mteb's
``retrieval_metrics.calculate_pmrr``, with which ``tests/oracle`` compares the values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evalkit.errors import InputError, tell
from evalkit.metrics.metric import RunMetric, Values
from evalkit.records import Qrels, Run

ORIGINAL, CHANGED = "-og", "-changed"
"""How the ids of the two queries of a pair end."""


def changed_documents(qrels: Qrels) -> dict[str, tuple[str, ...]]:
    """Return the name of each pair of queries -> the documents whose grades differ, in the original's order."""
    pairs: dict[str, tuple[str, ...]] = {}
    for query_id, original in qrels.grades.items():
        name = query_id.removesuffix(ORIGINAL)
        if query_id.endswith(ORIGINAL) and name + CHANGED in qrels.grades:
            changed = qrels.of(name + CHANGED)
            pairs[name] = tuple(d for d, grade in original.items() if changed.get(d, grade) != grade)
    return pairs


def _value(run: Run, qrels: Qrels, query_ids: tuple[str, ...]) -> Values:
    """Return the ``(q,)`` values: that of a pair for its changed query, and NaN for all other queries.

    If the changed query has no relevant document left, means leave it out: its original query has the value then. A
    pair is unknown if nothing changes, or if a query of it is not in the run.

    Raises
    ------
    InputError
        If no query has a name of a pair. Judgments of some of the queries may lack a pair.
    """
    if qrels.grades and not any(query_id.endswith((ORIGINAL, CHANGED)) for query_id in qrels.grades):
        _check(qrels, "these judgments")
    row = {query_id: number for number, query_id in enumerate(query_ids)}
    values = np.full(len(query_ids), np.nan)
    for name, docs in changed_documents(qrels).items():
        before, after = (_ranks(run, name + end) for end in (ORIGINAL, CHANGED))
        place = row.get(name + CHANGED, row.get(name + ORIGINAL))
        if docs and before and after and place is not None:
            values[place] = np.mean([_change(_rank(before, doc), _rank(after, doc)) for doc in docs])
    return values


def _ranks(run: Run, query_id: str) -> dict[str, int]:
    return {doc_id: rank for rank, doc_id in enumerate(run.docs(query_id), 1)}


def _rank(ranks: Mapping[str, int], doc_id: str) -> int:
    return ranks.get(doc_id, len(ranks) + 1)


def _change(before: int, after: int) -> float:
    return after / before - 1 if before >= after else 1 - before / after


def _check(qrels: Qrels, where: str) -> None:
    """Check that judgments have a pair of queries with a changed document.

    Raises
    ------
    InputError
        If they have none.
    """
    pairs = changed_documents(qrels)
    if not pairs:
        raise InputError(
            f"pMRR needs pairs of queries X{ORIGINAL} and X{CHANGED}, but {where} have none",
            f"remove pMRR from the metrics, or rename the queries of each pair to X{ORIGINAL} and X{CHANGED}, e.g."
            f" 7{ORIGINAL} and 7{CHANGED}",
        )
    if not any(pairs.values()):
        raise InputError(
            f"pMRR needs documents whose grades differ between X{ORIGINAL} and X{CHANGED}, but {where} have none",
            "remove pMRR from the metrics, or judge the documents for the changed instruction, too",
        )
    risen = sum(
        qrels.of(name + CHANGED)[doc] > qrels.of(name + ORIGINAL)[doc]
        for name, docs in pairs.items()
        for doc in docs
    )
    if risen:
        tell(
            f"{where}: {risen} documents have a higher grade under the changed instruction; pMRR is defined for lower"
            " ones, and counts a rise of these documents as a fault, too"
        )


P_MRR = RunMetric("pMRR", typed=("pmrr",), value=_value, check=_check, lowest=-1.0)
