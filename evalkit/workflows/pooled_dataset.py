"""A dataset with the documents to judge, and the files of its judgments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Literal

from evalkit.config import DatasetSettings
from evalkit.config.judgment_paths import JUDGMENTS, judge_file, threshold_file
from evalkit.config.judgment_settings import JudgmentSource
from evalkit.datasets.human_sample import DrawState
from evalkit.datasets.judgment_sources import chosen_judgments
from evalkit.file_names import file_part
from evalkit.judging.judged_pairs import Pair
from evalkit.judging.pools import Pool, RankedSystem, candidate_pool, depth_pool
from evalkit.records import QRELS, ChosenJudgments, Dataset, Judgment, Qrels, Query, RaterKind, text_sha256

Purpose = Literal["quality", "depth", "threshold"]
"""What judgments are for: metrics within a cutoff, those at any number of candidates, or a threshold on scores."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadSource:
    """The judgments of one entry of ``judgments:``.

    Attributes
    ----------
    settings
        The entry.
    path
        Its file, which need not exist.
    judgments
        Those of the file, in its order.
    """

    settings: JudgmentSource
    path: Path
    judgments: tuple[Judgment, ...]


@dataclass(frozen=True, eq=False)
class PooledDataset:
    """A dataset with the systems that are compared on it and the documents to judge.

    Attributes
    ----------
    settings
        Its block of the configuration.
    dataset
        Texts, queries and judgments.
    systems
        Everything ranked, at every depth.
    cutoff
        Number of ranks that are judged.
    pool
        Query id -> the documents within the cutoff of any system.
    sources
        The entries of ``judgments:`` in order of preference.
    draw
        The random draw of queries for people, and what became of it; None if none is configured.
    folder
        Folder of the configuration.
    first_stages
        Names of the systems that are first stages.
    """

    settings: DatasetSettings
    dataset: Dataset
    systems: tuple[RankedSystem, ...]
    cutoff: int
    pool: Pool
    sources: tuple[ReadSource, ...]
    draw: DrawState | None
    folder: Path
    first_stages: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self.dataset.name

    @property
    def human_sample(self) -> tuple[str, ...] | None:
        """Queries of the random draw for people; None if none is configured."""
        return None if self.draw is None else self.draw.sample.query_ids

    @property
    def judgments_folder(self) -> Path:
        """Folder of the files of judgments that the configuration does not name."""
        return self.folder / JUDGMENTS

    @property
    def is_corrected(self) -> bool:
        """Whether people's grades of a random draw correct those of a judge, which has to answer for the whole pool."""
        return self.settings.human_sample is not None

    def pool_for(self, purpose: Purpose) -> Pool:
        """Return the documents of each query that have to be judged for a purpose."""
        if purpose == "depth":
            return depth_pool(self.systems, self.first_stages, self.cutoff, self.dataset.corpus)
        if purpose == "threshold":
            return candidate_pool(self.systems, self.queries, self.dataset.corpus)
        return self.pool

    @cached_property
    def queries(self) -> dict[str, Query]:
        """Query id -> query."""
        return {query.query_id: query for query in self.dataset.queries}

    def file_of(self, judge: str) -> Path:
        """Return the file of a judge's judgments: that of ``judgments:``, else ``<dataset>.<judge>.jsonl``."""
        configured = (one.path for one in self.sources if one.settings.judge == judge)
        return next(configured, judge_file(self.folder, self.name, judge))

    def threshold_file_of(self, judge: str) -> Path:
        """Return the file of a judge's grades of the sample by score, which are no judgments for metrics."""
        return threshold_file(self.folder, self.name, judge)

    @property
    def people_file(self) -> Path:
        """The file that people's judgments are appended to, which is never one with judgments by models.

        It is the first ``{path: ...}`` of ``judgments:`` without such judgments, else ``<dataset>.people.jsonl``.
        """
        configured = (one.path for one in self.sources if one.path not in self._files_of_models)
        return next(configured, self.judgments_folder / f"{file_part(self.name)}.people.jsonl")

    @property
    def _files_of_models(self) -> frozenset[Path]:
        return frozenset(
            one.path
            for one in self.sources
            if one.settings.judge is not None or any(line.rater.kind == "model" for line in one.judgments)
        )

    @property
    def counted_people(self) -> frozenset[str] | None:
        """Names of the people whose judgments in `people_file` count; None if everybody's do."""
        names = [one.settings.rater for one in self.sources if self._is_people_file(one.path)]
        return None if None in names else frozenset(filter(None, names))

    def _is_people_file(self, path: Path | None) -> bool:
        return path is not None and path.resolve() == self.people_file.resolve()

    def counted_before(self, judge: str) -> Mapping[str, Mapping[str, float]]:
        """Return query id -> document id -> grade of the judgments that count whatever a judge grades.

        They are those of the dataset and of the entries before the judge in ``judgments:``; of all if it has none.
        """
        return self._counted(takewhile(lambda one: one.judge != judge, self.settings.judgments)).grades

    @cached_property
    def counted_without_people(self) -> ChosenJudgments:
        """The judgments that would count without `people_file`."""
        return self._counted(one for one in self.settings.judgments if not self._is_people_file(one.path))

    def judged_by_people(self) -> frozenset[Pair]:
        """Return the pairs that a person judged whose grade counts whatever is appended to `people_file`."""
        before = takewhile(lambda one: not self._is_people_file(one.path), self.settings.judgments)
        counted = self._counted(before)
        return frozenset(
            (query_id, doc_id)
            for query_id, docs in counted.grades.items()
            for doc_id in docs
            if (rater := counted.rater_of(query_id, doc_id)) is not None and rater.kind == "human"
        )

    def _counted(self, sources: Iterable[JudgmentSource]) -> ChosenJudgments:
        """Return which judgments of the dataset itself and of some entries of ``judgments:`` count."""
        dataset, chosen = self.dataset, self.dataset.chosen
        own_raters = chosen.own_raters if chosen is not None else None
        graded = Qrels({query_id: docs for query_id, docs in self.own_qrels.grades.items() if docs})
        return chosen_judgments(graded, list(sources), dataset.corpus, dataset.queries, own_raters)

    @property
    def left_for_people(self) -> frozenset[Pair]:
        """Pairs of the random draw that no person has graded."""
        graded = {
            (line.query_id, line.doc_id)
            for source in self.sources
            for line in source.judgments
            if line.rater.kind == "human" and line.grade is not None
        }
        drawn = {
            (query_id, doc_id)
            for query_id in self.human_sample or ()
            for doc_id in self.pool.get(query_id, ())
        }
        return frozenset(pair for pair in drawn - graded if pair[1] not in self.own_qrels.of(pair[0]))

    @property
    def drawn_without_text(self) -> frozenset[Pair]:
        """Pairs of the random draw that are ranked within the cutoff, and cannot be judged for want of a text."""
        runs = [system.run.cut(self.cutoff) for system in self.systems]
        return frozenset(
            (query_id, doc_id)
            for query_id in self.human_sample or ()
            for run in runs
            for doc_id in run.docs(query_id)
            if doc_id not in self.dataset.corpus
        )

    def has_judgments(self, kind: RaterKind) -> bool:
        """Return whether a person, or a model, has judged; the dataset's own judgments are those of people."""
        own = kind == QRELS.kind and any(self.own_qrels.grades.values())
        return own or any(one.rater.kind == kind for source in self.sources for one in source.judgments)

    @cached_property
    def own_qrels(self) -> Qrels:
        """The judgments of the dataset itself, without those of ``judgments:``."""
        chosen = self.dataset.chosen
        raters = chosen.raters if chosen is not None else {}
        own = {
            query_id: {
                doc_id: grade for doc_id, grade in docs.items() if doc_id not in raters.get(query_id, ())
            }
            for query_id, docs in self.dataset.qrels.grades.items()
        }
        return Qrels(own)

    def query_sha256(self, query_id: str) -> str | None:
        """Return the hash of a query with its instruction, as judgments have it; None if the dataset lacks it."""
        query = self.queries.get(query_id)
        return None if query is None else text_sha256(query.instructed_text)

    def doc_sha256(self, doc_id: str) -> str | None:
        """Return the hash of a document, as judgments have it; None if the corpus lacks it."""
        corpus = self.dataset.corpus
        return text_sha256(corpus.text(doc_id)) if doc_id in corpus else None
