"""What rerankers scored: documents, or their passages. Results with different ones compare different systems."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.errors import tell
from evalkit.results.passage_rows import PassageFacts

PASSAGES = "passages"
"""Key of the passages in what a gate knows of a dataset; absent where rerankers scored documents."""
DOCUMENTS = "documents"
_HASH_DIGITS = 12


def scored_texts(passages: PassageFacts | None) -> str:
    """Return what rerankers scored of a dataset, in words: equal only if all settings are."""
    if passages is None:
        return DOCUMENTS
    return (
        f"passages ({passages.tokens} tokens, overlap {passages.overlap}, combine {passages.combine}, tokenizer sha256"
        f" {passages.tokenizer_sha256[:_HASH_DIGITS]})"
    )


def note_scored_texts(before: tuple[str, Mapping[str, str]], after: tuple[str, Mapping[str, str]]) -> None:
    """Give a note for each dataset of which rerankers scored different texts in two results.

    Parameters
    ----------
    before, after
        Name of a result, and dataset -> what its rerankers scored (see `scored_texts`).
    """
    for dataset, texts in before[1].items():
        other = after[1].get(dataset, texts)
        if other != texts:
            tell(f"{dataset}: rerankers scored {texts} in {before[0]}, and {other} in {after[0]}")
