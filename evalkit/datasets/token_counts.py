"""The lengths of documents in tokens, for metrics at a budget of tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from evalkit.config import DatasetSettings
from evalkit.datasets.columns import DocumentColumns, documents
from evalkit.datasets.corpora import join_texts
from evalkit.encoding.text_tokenizer import TextTokenizer
from evalkit.errors import DataFormatError
from evalkit.formats import read_rows
from evalkit.progress import progress_bar
from evalkit.records import Corpus, DocumentTokens, Qrels, Run

_AT_ONCE = 10_000
"""Texts in memory."""


def valued_documents(runs: Sequence[Run], qrels: Qrels) -> list[str]:
    """Return the documents whose lengths metrics need, each once: of ranked lists, and judged ones."""
    ranked = chain.from_iterable(run.doc_ids for run in runs)
    return list(dict.fromkeys(chain(ranked, *qrels.grades.values())))


def count_in_corpus(
    tokenizer: TextTokenizer, corpus: Corpus, doc_ids: Iterable[str], name: str
) -> DocumentTokens:
    """Return the lengths of documents; those that the corpus lacks have none.

    Parameters
    ----------
    tokenizer, corpus
        What counts, and the texts.
    doc_ids
        The documents to count.
    name
        Name of the dataset, for the progress bar.
    """
    known = [doc_id for doc_id in doc_ids if doc_id in corpus]
    progress = progress_bar(known, desc=f"{name}: counting tokens", unit="document", delay=2)
    return _counted(tokenizer, ((doc_id, corpus.text(doc_id)) for doc_id in progress))


def count_in_file(tokenizer: TextTokenizer, file: Path, doc_ids: Collection[str]) -> DocumentTokens:
    """Return the lengths of the documents in a file of texts: JSON Lines, CSV, TSV or Parquet.

    Title and text are joined as those of a dataset. Documents that are not asked for are not counted.

    Raises
    ------
    DataFormatError
        If the file cannot be read, or contains none of the documents, or one of them twice.
    """
    wanted = set(doc_ids)
    progress = progress_bar(
        documents(read_rows(file), DocumentColumns()),
        desc=f"{file}: counting tokens",
        unit="document",
        delay=2,
    )
    template = str(DatasetSettings.model_fields["template"].default)
    found = _counted(tokenizer, _once(join_texts(template, progress), wanted, file))
    if wanted and not found.counts:
        raise DataFormatError(
            f"{file} contains none of the {len(wanted)} ranked and judged documents",
            "give the corpus that belongs to the judgments and runs",
        )
    return found


def _once(texts: Iterable[tuple[str, str]], wanted: set[str], file: Path) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for doc_id, text in texts:
        if doc_id not in wanted:
            continue
        if doc_id in seen:
            raise DataFormatError(
                f"{file}: document {doc_id!r} occurs twice", "use a unique id for every document"
            )
        seen.add(doc_id)
        yield doc_id, text


def _counted(tokenizer: TextTokenizer, texts: Iterable[tuple[str, str]]) -> DocumentTokens:
    counts: dict[str, int] = {}
    rows = iter(texts)
    while part := list(islice(rows, _AT_ONCE)):
        doc_ids, contents = zip(*part, strict=True)
        counts.update(zip(doc_ids, tokenizer.counts(contents).tolist(), strict=True))
    return DocumentTokens(tokenizer.name, tokenizer.sha256, counts)
