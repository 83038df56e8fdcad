"""The answers of a judge for a test sample of queries, to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.judging.judged_pairs import draw_queries
from evalkit.store import JudgmentFile
from evalkit.workflows.judging_input import JudgingInput


@dataclass(frozen=True, slots=True)
class SampleAnswer:
    """One answer of a judge.

    Attributes
    ----------
    query, document
        The texts; the id where the dataset lacks it.
    grade
        None where the answer has none.
    raw
        The answer as it came, or why there is none; None if the judge keeps none.
    """

    query: str
    document: str
    grade: float | None
    raw: str | None


def sample_answers(opened: JudgingInput, tag: str, sample: int, most: int) -> Sequence[SampleAnswer]:
    """Return up to `most` of the answers of a judge for the drawn queries, those of one query together.

    Parameters
    ----------
    opened
        What was judged.
    tag
        The judge.
    sample
        Number of drawn queries of each dataset.
    most
        Number of answers. They are the first that came, and pairs are sent in random order.
    """
    found: list[SampleAnswer] = []
    for pooled in opened.datasets:
        drawn = draw_queries(pooled.queries, sample, opened.config.seed)
        last = {one.pair: one for one in JudgmentFile(pooled.file_of(tag)).read() if one.query_id in drawn}
        first = list(last.values())[: most - len(found)]
        corpus = pooled.dataset.corpus
        found += [
            SampleAnswer(
                pooled.queries[one.query_id].text,
                corpus.text(one.doc_id) if one.doc_id in corpus else one.doc_id,
                one.grade,
                one.raw or one.failure,
            )
            for one in sorted(first, key=lambda one: drawn.index(one.query_id))
        ]
    return found
