"""What the local rerankers of a configuration read of its pairs: their own tokens, nothing scored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalkit.config import Config
from evalkit.experiment.opening import opened_arm
from evalkit.inspecting import Material, Reading
from evalkit.records import Run
from evalkit.rerankers import Described, Measuring
from evalkit.rerankers.local_model import LocalModelSettings
from evalkit.reranking import Spending

MOST_PAIRS = 5000
"""Pairs that are tokenised: all of a small experiment, else a sample drawn with the experiment's seed."""


def read_pairs(config: Config, material: Material) -> Iterator[Reading]:
    """Yield what each local reranker would read of the candidates; for a ``serve:`` block, the one that is served.

    Raises
    ------
    InputError
        If a model cannot be opened.
    """
    if material.candidates is None:
        return
    run = material.candidates.cut(max(config.depths))
    pairs, relevant = _of_candidates(run, config.seed), _relevant(material, config.seed)
    texts = {query.query_id: query.text for query in material.dataset.queries}
    items = [(texts[query], material.dataset.corpus.text(doc)) for query, doc in (*pairs, *relevant)]
    for tag, given in config.rerankers.items():
        settings = given.served_settings() or given
        if not isinstance(settings, LocalModelSettings):
            continue
        with opened_arm(tag, settings, Spending(None)) as arm:
            if isinstance(arm.reranker, Measuring) and isinstance(arm.reranker, Described):
                tokens, truncated = arm.reranker.measure(items)
                n = len(pairs)
                limit = arm.reranker.facts()["max_length_tokens"]
                yield Reading(tag, limit, len(run), tokens[:n], truncated[:n], truncated[n:])


def _of_candidates(run: Run, seed: int) -> list[tuple[str, str]]:
    """Return queries with candidates, as many as are looked at."""
    rows = _drawn(len(run), seed)
    owners = np.searchsorted(run.offsets, rows, side="right") - 1
    return [
        (run.query_ids[q], run.doc_ids[row]) for q, row in zip(owners.tolist(), rows.tolist(), strict=True)
    ]


def _relevant(material: Material, seed: int) -> list[tuple[str, str]]:
    """Return queries with relevant documents that are there, as many as are looked at."""
    pairs = [
        (query, doc)
        for query, docs in material.qrels.grades.items()
        for doc, grade in docs.items()
        if grade > 0 and doc in material.dataset.corpus
    ]
    return [pairs[row] for row in _drawn(len(pairs), seed).tolist()]


def _drawn(count: int, seed: int) -> NDArray[np.int64]:
    if count <= MOST_PAIRS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST_PAIRS, replace=False))
