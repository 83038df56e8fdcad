"""Tokens that the local rerankers of a configuration would read of its pairs; no pair is scored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalkit.config import Config
from evalkit.dataset_checks import CheckInput, Reading
from evalkit.errors import InputError
from evalkit.experiment.passage_view import PassageView
from evalkit.experiment.sessions import open_session
from evalkit.records import Run
from evalkit.rerankers import Described, Measuring
from evalkit.rerankers.local_model import LocalModelSettings
from evalkit.rerankers.remote_settings import RemoteSettings
from evalkit.reranking import Budget

MOST_PAIRS = 5000
"""Most pairs that are tokenised; of more pairs, a sample is drawn with the experiment's seed."""


def read_pairs(config: Config, data: CheckInput, passages: PassageView | None = None) -> Iterator[Reading]:
    """Yield what each model would read of the candidates; for a ``serve:`` block, the served model.

    Parameters
    ----------
    config, data
        The rerankers, and a dataset with its candidates.
    passages
        The passages of the candidates and the relevant documents, which are read in their place; None for documents.
    """
    if data.candidates is None:
        return
    run = data.candidates.cut(max(config.depths))
    corpus = data.dataset.corpus
    if passages is not None:
        run, corpus = passages.run_of(run), passages.dataset.corpus
    pairs, relevant = _of_candidates(run, config.seed), _relevant(data, config.seed, passages)
    texts = {query.query_id: query.instructed_text for query in data.dataset.queries}
    items = [(texts[query], corpus.text(doc)) for query, doc in (*pairs, *relevant)]
    for tag, given in config.rerankers.items():
        settings = given.served_settings() or given
        if isinstance(settings, RemoteSettings):
            yield Reading.unknown(tag, "the API tokenises and truncates")
        elif isinstance(settings, LocalModelSettings):
            yield _read(tag, settings, items, len(run), len(pairs))


def _read(
    tag: str, settings: LocalModelSettings, items: list[tuple[str, str]], all_pairs: int, n: int
) -> Reading:
    """Return what a model reads of the first `n` items, which are candidates, and of the others, which are relevant."""
    try:
        with open_session(tag, settings, Budget(None)) as session:
            reranker = session.reranker
            if not isinstance(reranker, Measuring) or not isinstance(reranker, Described):
                return Reading.unknown(tag, "the backend does not report it")
            tokens, truncated = reranker.measure(items)
            limit = reranker.facts()["max_length_tokens"]
            return Reading(tag, limit, all_pairs, tokens[:n], truncated[:n], truncated[n:])
    except InputError as error:  # the model or a package is missing: the other checks do not need it
        return Reading.unknown(tag, error.message)


def _of_candidates(run: Run, seed: int) -> list[tuple[str, str]]:
    """Return (query id, document id) of a sample of the candidates."""
    rows = _drawn(len(run), seed)
    owners = np.searchsorted(run.offsets, rows, side="right") - 1
    return [
        (run.query_ids[q], run.doc_ids[row]) for q, row in zip(owners.tolist(), rows.tolist(), strict=True)
    ]


def _relevant(data: CheckInput, seed: int, passages: PassageView | None) -> list[tuple[str, str]]:
    """Return (query id, document id) of a sample of the relevant documents that are in the corpus, or of passages."""
    pairs = [
        (query, text)
        for query, docs in data.qrels.grades.items()
        for doc, grade in docs.items()
        if grade > 0 and doc in data.dataset.corpus
        for text in (passages.ids_of([doc]) if passages is not None else (doc,))
    ]
    return [pairs[row] for row in _drawn(len(pairs), seed).tolist()]


def _drawn(count: int, seed: int) -> NDArray[np.int64]:
    if count <= MOST_PAIRS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST_PAIRS, replace=False))
