"""The passages of the candidates of a dataset: what rerankers score in place of long documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from evalkit.config import PassageRule, PassageSettings
from evalkit.encoding.text_tokenizer import TextTokenizer, open_text_tokenizer
from evalkit.progress import progress_bar
from evalkit.records import Corpus, Dataset, Run
from evalkit.reranking import ScoredCandidates
from evalkit.reranking.passage_combination import combine_scores
from evalkit.results.passage_rows import PassageFacts
from evalkit.text_analysis.passages import passage_spans

_AT_ONCE = 64
"""Documents that are tokenized together, on all cores."""


@dataclass(frozen=True, slots=True, eq=False)
class PassageView:
    """A dataset whose corpus has the passages of the candidates, and how their scores become those of documents.

    Attributes
    ----------
    dataset
        The queries, with the passages as documents.
    ids
        Document id -> ids of its passages in order. The id of a passage is that of its document with its number, from
        1: ``doc#1``.
    rule
        How the scores of a document's passages are combined.
    facts
        What the manifest records.
    """

    dataset: Dataset
    ids: Mapping[str, tuple[str, ...]]
    rule: PassageRule
    facts: PassageFacts

    def ids_of(self, docs: Iterable[str]) -> tuple[str, ...]:
        """Return the passages of documents, in order."""
        return tuple(chain.from_iterable(self.ids[doc_id] for doc_id in docs))

    def run_of(self, candidates: Run) -> Run:
        """Return the run of the passages of candidates; the scores are such that they keep their order."""
        lists = [self.ids_of(docs) for _, docs, _ in candidates]
        lengths = [len(passages) for passages in lists]
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        doc_ids = tuple(chain.from_iterable(lists))
        return Run.from_lists(
            candidates.tag, candidates.query_ids, offsets, doc_ids, -place.astype(np.float64)
        )

    def combined(self, scored: ScoredCandidates) -> ScoredCandidates:
        """Return the scores of documents from those of all their passages, in the same order.

        A document has no rank in the list that a backend returned: that is a list of passages.
        """
        named = [passage_of(passage_id) for passage_id in scored.doc_ids]
        starts = np.array([row for row, (_, number) in enumerate(named) if number == 1], dtype=np.int64)
        query_ids = tuple(scored.query_ids[row] for row in starts)
        firsts = np.flatnonzero([row == 0 or query_ids[row - 1] != one for row, one in enumerate(query_ids)])
        lengths = np.diff(firsts, append=len(starts))
        return replace(
            scored,
            query_ids=query_ids,
            doc_ids=tuple(named[row][0] for row in starts),
            retriever_rank=np.arange(1, len(starts) + 1) - np.repeat(firsts, lengths),
            scores=combine_scores(scored.scores, starts, self.rule),
            list_rank=(None,) * len(starts),
        )


def passage_of(passage_id: str) -> tuple[str, int]:
    """Return the document of a passage, and the number of the passage."""
    doc_id, _, number = passage_id.rpartition("#")
    return doc_id, int(number)


def make_passages(settings: PassageSettings, dataset: Dataset, doc_ids: Iterable[str]) -> PassageView:
    """Return the passages of some documents of a dataset, which may be named more than once.

    Raises
    ------
    InputError
        If there is no such tokenizer.
    MissingExtraError
        If `tokenizers` is not installed.
    """
    tokenizer = open_text_tokenizer(settings.tokenizer)
    docs = list(dict.fromkeys(doc_ids))
    ids: dict[str, tuple[str, ...]] = {}
    texts: list[str] = []
    # Only large collections take long, so the progress bar appears after some seconds.
    with progress_bar(
        total=len(docs), desc=f"{dataset.name}: passages", unit="document", delay=3
    ) as progress:
        for start in range(0, len(docs), _AT_ONCE):
            part = docs[start : start + _AT_ONCE]
            split = split_texts(list(map(dataset.corpus.text, part)), tokenizer, settings)
            for doc_id, found in zip(part, split, strict=True):
                ids[doc_id] = tuple(f"{doc_id}#{number}" for number in range(1, len(found) + 1))
                texts += found
            progress.update(len(part))
    corpus = Corpus(tuple(chain.from_iterable(ids.values())), tuple(texts))
    most = max(map(len, ids.values()), default=0)
    facts = PassageFacts(
        tokenizer=tokenizer.name,
        tokenizer_sha256=tokenizer.sha256,
        tokens=settings.tokens,
        overlap=settings.overlap,
        combine=settings.combine,
        documents=len(docs),
        passages=len(texts),
        per_document=len(texts) / len(docs) if docs else None,
        most_per_document=most,
    )
    excluded = {
        query_id: frozenset(chain.from_iterable(ids.get(doc_id, ()) for doc_id in doc_ids))
        for query_id, doc_ids in dataset.excluded.items()
    }
    passages = replace(dataset, corpus=corpus, candidates=None, excluded=excluded)
    return PassageView(passages, ids, settings.combine, facts)


def split_texts(texts: Sequence[str], tokenizer: TextTokenizer, settings: PassageSettings) -> list[list[str]]:
    """Return the passages of each text, without blank ones; those of a blank text are one."""
    split = []
    for text, offsets in zip(texts, tokenizer.offsets(texts), strict=True):
        spans = passage_spans(text, offsets, settings.tokens, settings.overlap)
        found = [text[begin:end] for begin, end in spans]
        # Some tokenizers have tokens for blanks, and APIs refuse texts without a word.
        split.append([passage for passage in found if passage.strip()] or found[:1])
    return split
