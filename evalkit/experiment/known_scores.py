"""The scores that an experiment need not request: lookups in the score store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evalkit.config import Config
from evalkit.experiment.eval_sets import EvalSet
from evalkit.records import Run
from evalkit.reranking import Row
from evalkit.results.raw_tables import precise_tag
from evalkit.store import ScoreKey, ScoreStore, StoredScore, identity_of


@dataclass(frozen=True, slots=True)
class KnownScores:
    """The stored scores of an experiment's backends. Nothing can be written here; see `ExperimentStore`.

    Attributes
    ----------
    path
        The file of the score store, which may not exist yet.
    identities
        Tag -> identity of its backend. Backends that only look their scores up are absent.
    started_s
        When the experiment started, in seconds since 1970.
    session
        Random id of this session: the process that runs or resumes the experiment.
    earlier
        Ids of the experiment's earlier sessions.
    refresh
        Whether scores that none of these sessions obtained are requested again.
    scores
        The open store; None where there is none yet.
    """

    path: Path
    identities: Mapping[str, str]
    started_s: float
    session: str
    earlier: tuple[str, ...]
    refresh: bool
    scores: ScoreStore | None

    def rows(self, tag: str, eval_set: EvalSet, candidates: Run, *, pointwise: bool) -> dict[str, Row]:
        """Return query -> known scores, without the queries that have none."""
        found = self.lists(tag, eval_set, candidates, pointwise=pointwise)
        return {query_id: row_of(known) for query_id, known in found if any(known)}

    def knows_all(self, tag: str, eval_set: EvalSet, candidates: Run, *, pointwise: bool) -> bool:
        """Return whether every score is known; the search ends at the first unknown pair."""
        return all(all(known) for _, known in self.lists(tag, eval_set, candidates, pointwise=pointwise))

    def lists(
        self, tag: str, eval_set: EvalSet, candidates: Run, *, pointwise: bool
    ) -> Iterator[tuple[str, list[StoredScore | None]]]:
        """Yield every query with the known score of each candidate; None where it is unknown.

        Parameters
        ----------
        tag
            The reranker.
        eval_set, candidates
            The texts, and the lists to look up.
        pointwise
            Whether a score belongs to its pair alone. Otherwise a list is known as a whole or not at all.
        """
        identity = self.identities.get(tag)
        own = {self.session, *self.earlier}
        dataset = eval_set.sent_dataset
        queries = {query.query_id: query for query in dataset.queries}
        for query_id, docs, _ in candidates:
            known: list[StoredScore | None] = [None] * len(docs)
            if identity is not None and self.scores is not None:
                documents = [dataset.corpus.text(doc_id) for doc_id in docs]
                query = queries[query_id]
                key = ScoreKey(identity, query.text, documents, pointwise, query.instruction)
                stored = self.scores.known(key)
                known = [None if self.refresh and one and one.session not in own else one for one in stored]
            if not pointwise and None in known:
                known = [None] * len(docs)
            yield query_id, known


def row_of(known: list[StoredScore | None]) -> Row:
    """Return the known scores of one list as a row; an unknown score is NaN."""
    return Row(
        np.array([np.nan if one is None else one.score for one in known]),
        [None if one is None else one.list_rank for one in known],
    )


def identities_of(config: Config) -> dict[str, str]:
    """Return tag -> identity of the backends whose scores are stored, without those that only look scores up."""
    identities = {tag: identity_of(settings) for tag, settings in config.rerankers.items() if settings.timed}
    for tag, settings in config.rerankers.items():
        fewer_bits = settings.fewer_bits()
        if fewer_bits is not None:
            identities[precise_tag(tag)] = identity_of(fewer_bits[1])
    return identities
