"""The beginnings of the texts that a report shows: a report is rebuilt without the dataset."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.eval_sets import EvalSet
from evalkit.experiment.recorder import WrittenTables
from evalkit.records import Run, append_below
from evalkit.results.coded_scores import run_of_scores
from evalkit.results.raw_tables import SHOWN, at_depth, snippet


def keep_texts(run: StartedExperiment, tables: WrittenTables) -> None:
    """Write the texts of the first documents of every list at the deepest depth, and of the relevant documents.

    Parameters
    ----------
    run
        The experiment, whose first stage counts as a list too.
    tables
        The tables with its scores.
    """
    rows = [
        (eval_set.dataset.name, doc_id, snippet(eval_set.dataset.corpus.text(doc_id)))
        for eval_set in run.eval_sets
        for doc_id in dict.fromkeys(_shown(run, tables, eval_set))
        if doc_id in eval_set.dataset.corpus
    ]
    run.folder.write_texts(rows)


def _shown(run: StartedExperiment, tables: WrittenTables, eval_set: EvalSet) -> Iterator[str]:
    for tag in (eval_set.candidates.tag, *(session.tag for session in run.sessions)):
        names, columns = tables.folder.read_coded_scores_of(eval_set.dataset.name, tag)
        kept = at_depth(columns, run.depth)
        within = kept["retriever_rank"] <= run.depth
        ranking, _ = run_of_scores(
            tag, names["query_id"], names["doc_id"], {name: of_rows[within] for name, of_rows in kept.items()}
        )
        if run.config.below_depth == "kept":
            ranking = append_below(ranking, eval_set.candidates, run.depth)
        yield from _first_documents(ranking)
    for compared in eval_set.runs:
        yield from _first_documents(compared.run)
    for grades in eval_set.dataset.qrels.grades.values():
        yield from (doc_id for doc_id, grade in grades.items() if grade > 0)


def _first_documents(run: Run) -> Iterator[str]:
    """Yield the different documents at the first places of all lists."""
    codes = run.doc_codes[run.places <= SHOWN]
    yield from map(run.doc_names.texts.__getitem__, dict.fromkeys(codes.tolist()))
