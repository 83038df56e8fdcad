"""Texts and tokenizer that ``evalkit evaluate`` and ``compare --qrels`` are given for metrics at a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import InputError
from evalkit.metrics import Metric
from evalkit.metrics.token_budget import has_budget
from evalkit.records import Qrels, Run


@dataclass(frozen=True, slots=True)
class BudgetTexts:
    """Where the lengths of documents come from.

    Attributes
    ----------
    corpus
        File with the texts of the documents: JSON Lines, CSV, TSV or Parquet.
    tokenizer
        Name of the tokenizer that counts them.
    """

    corpus: Path | None = None
    tokenizer: str | None = None

    def check(self, metrics: Sequence[Metric]) -> None:
        """Check that texts and tokenizer are given if a metric has a budget, and only then.

        Raises
        ------
        InputError
            If they are not.
        """
        budget = next((one for one in metrics if one.budget_tokens is not None), None)
        given = self.corpus is not None, self.tokenizer is not None
        if budget is None and any(given):
            raise InputError(
                "--corpus and --tokenizer are only used by metrics at a budget of tokens",
                "add such a metric, e.g. -m nDCG@2000t, or remove them",
            )
        if budget is not None and not all(given):
            lacking = [
                name
                for name, is_given in zip(("--corpus", "--tokenizer"), given, strict=True)
                if not is_given
            ]
            raise InputError(
                f"{budget.label!r} needs the texts of the documents and the tokenizer that counts them:"
                f" {' and '.join(lacking)} missing",
                "add --corpus FILE and --tokenizer NAME, the tokenizer of the model that reads the documents",
            )

    def with_lengths(self, qrels: Qrels, runs: Sequence[Run], metrics: Sequence[Metric]) -> Qrels:
        """Return the judgments with the lengths of the ranked and judged documents; as they are without a budget.

        Raises
        ------
        InputError
            If the tokenizer or the texts cannot be read.
        """
        if not has_budget(metrics) or self.corpus is None or self.tokenizer is None:
            return qrels
        from evalkit.datasets.token_counts import count_in_file, valued_documents
        from evalkit.encoding.text_tokenizer import open_text_tokenizer

        tokenizer = open_text_tokenizer(self.tokenizer)
        return qrels.with_tokens(count_in_file(tokenizer, self.corpus, valued_documents(runs, qrels)))


NO_TEXTS = BudgetTexts()
