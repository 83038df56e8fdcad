"""Read the files of judgments that a dataset's configuration names, and choose which judgments count."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.config import JudgmentSource
from evalkit.formats import read_judgment_lines
from evalkit.records import (
    ChosenJudgments,
    Corpus,
    JudgmentsOfSource,
    Qrels,
    Query,
    RatersOfPairs,
    choose_judgments,
    plain_grade,
    text_sha256,
)


def chosen_judgments(
    own: Qrels,
    sources: Sequence[JudgmentSource],
    corpus: Corpus,
    queries: Sequence[Query],
    own_raters: RatersOfPairs | None = None,
) -> ChosenJudgments:
    """Return the judgments of some queries that count: those of the dataset, then those of each source.

    Parameters
    ----------
    own
        The judgments of the dataset itself.
    sources
        Of the configuration, in order of preference. A file that does not exist yet has no judgments.
    corpus, queries
        The texts as they are now.
    own_raters
        Who gave the judgments of the dataset itself, as far as that is known.

    Raises
    ------
    DataFormatError
        If a file is not one of judgments, or two raters of one source disagree.
    """
    texts = {query.query_id: query.instructed_text for query in queries}
    found = [
        JudgmentsOfSource(
            str(source.path), read_judgment_lines(source.path), source.rater, source.judge is not None
        )
        for source in sources
        if source.path is not None and source.path.is_file()
    ]
    return choose_judgments(
        own.grades,
        found,
        texts,
        lambda query_id: text_sha256(texts[query_id]),
        lambda doc_id: text_sha256(corpus.text(doc_id)) if doc_id in corpus else None,
        own_raters,
    )


def missing_files(sources: Sequence[JudgmentSource]) -> list[Path]:
    """Return the files of sources that do not exist yet."""
    return [one.path for one in sources if one.path is not None and not one.path.is_file()]


def as_qrels(own: Qrels, chosen: ChosenJudgments) -> Qrels:
    """Return the judgments that count, with the subtopics of the dataset's own."""
    grades = {
        query_id: {doc_id: plain_grade(grade) for doc_id, grade in docs.items()}
        for query_id, docs in chosen.grades.items()
    }
    return Qrels(grades, own.subtopics, own.tokens)
