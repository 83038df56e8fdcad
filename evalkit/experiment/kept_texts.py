"""Keeps the beginnings of the texts that a report can show: it is rebuilt without the dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evalkit.experiment.eval_sets import EvalSet
from evalkit.reranking import scored_run
from evalkit.results.folder import ResultFolder, at_depth
from evalkit.results.shown_texts import SHOWN, snippet


def keep_texts(folder: ResultFolder, eval_sets: Iterable[EvalSet], tags: Sequence[str], depth: int) -> None:
    """Write the texts of the first documents of every list, and of those judged relevant; scores are written before.

    Parameters
    ----------
    folder
        Holds the scores.
    eval_sets
        The datasets.
    tags
        The rerankers; the first stage is added.
    depth
        The deepest of the experiment: the one whose lists are shown.
    """
    rows = [
        (eval_set.dataset.name, doc_id, snippet(eval_set.dataset.corpus.text(doc_id)))
        for eval_set in eval_sets
        for doc_id in dict.fromkeys(_shown(folder, eval_set, tags, depth))
        if doc_id in eval_set.dataset.corpus
    ]
    folder.write_texts(rows)


def _shown(folder: ResultFolder, eval_set: EvalSet, tags: Sequence[str], depth: int) -> Iterator[str]:
    name = eval_set.dataset.name
    for tag in (eval_set.candidates.tag, *tags):
        columns = at_depth(folder.read_scores_of(name, tag), depth)
        for _, docs, _ in scored_run(columns, tag, depth):
            yield from docs[:SHOWN]
    for grades in eval_set.dataset.qrels.grades.values():
        yield from (doc_id for doc_id, grade in grades.items() if grade > 0)
