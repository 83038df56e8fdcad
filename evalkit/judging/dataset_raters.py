"""The raters of a dataset of a configuration, with their grades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.config import DatasetSettings, JudgmentSource
from evalkit.datasets.own_judgments import own_judgments
from evalkit.judging.rater_grades import CurrentTexts, RaterGrades, grades_by_rater, raters_of
from evalkit.records import Dataset, Judgment, Rater, current_judgments, current_rater
from evalkit.records.judgments import text_sha256
from evalkit.store import JudgmentFile

Source = tuple[JudgmentSource, Sequence[Judgment]]
"""An entry of ``judgments:`` with its judgments in the order of the file."""


def read_sources(settings: DatasetSettings) -> list[Source]:
    """Return the entries of ``judgments:`` with their judgments; a file that does not exist has none."""
    found: list[Source] = []
    for one in settings.judgments:
        judgments = JudgmentFile(one.path).read() if one.path is not None else []
        kept = [j for j in judgments if one.rater is None or one.rater in {j.rater.name, j.rater.label}]
        found.append((one, kept))
    return found


def dataset_raters(dataset: Dataset, sources: Sequence[Source]) -> list[RaterGrades]:
    """Return the raters of a dataset: its own judgments first, then those of its files in order of preference.

    Judgments of other texts than those of the dataset are left out, and those of a judge with an earlier prompt, scale
    or settings. A judge whose model has several names is one rater, with the name of its last judgment.

    Parameters
    ----------
    dataset
        The dataset.
    sources
        The judgments of its files.
    """
    sources = [(source, _counted(source, judgments)) for source, judgments in sources]
    queries = {query.query_id: query.instructed_text for query in dataset.queries}

    def doc_hash(doc_id: str) -> str | None:
        return text_sha256(dataset.corpus.text(doc_id)) if doc_id in dataset.corpus else None

    texts = CurrentTexts(list(queries), lambda query_id: text_sha256(queries[query_id]), doc_hash)
    tags: dict[Rater, frozenset[str]] = {}
    for source, judgments in sources:
        if source.judge is not None:
            for one in judgments:
                tags[one.rater] = tags.get(one.rater, frozenset()) | {source.judge}
    first = own_judgments(dataset)
    of_files = grades_by_rater((one for _, judgments in sources for one in judgments), texts)
    return raters_of({**first, **of_files}, tags)


def _counted(source: JudgmentSource, judgments: Sequence[Judgment]) -> Sequence[Judgment]:
    """Return the judgments of a source that count; those of a judge as the judgments of one rater."""
    if source.judge is None:
        return judgments
    current = current_rater([one.rater for one in judgments])
    return [replace(one, rater=current or one.rater) for one in current_judgments(judgments)]
