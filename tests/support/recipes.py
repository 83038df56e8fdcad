"""How model cards score pairs, written with transformers alone, one pair at a time: what evalkit is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.layout_checks import Pairs, Recipe


def pair_recipe(folder: Path, most: int, label: int | None = None, **tokenizer_options: Any) -> Recipe:
    """Return the recipe of most cross-encoders: the tokenizer joins query and document, the score is the raw logit.

    Parameters
    ----------
    folder
        The model's folder.
    most
        Tokens that the model reads: the longer of query and document is cut first.
    label
        The score is the log odds of this label against all others; None for a model with a single label.
    tokenizer_options
        Further options of the tokenizer's call.
    """

    def scores(pairs: Pairs) -> list[float]:
        """Return the score of each pair."""
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
        options = {"truncation": "longest_first", "max_length": most, "return_tensors": "pt"}
        rows = []
        with torch.no_grad():
            for query, document in pairs:
                fed = tokenizer([query], [document], **{**options, **tokenizer_options})
                rows.append(model(**fed).logits[0].double())
        return [float(row[0]) if label is None else _log_odds(row, label) for row in rows]

    return scores


def _log_odds(row: Any, label: int) -> float:
    """Return how much more probable a label is than all others together, as a logarithm."""
    probabilities = row.softmax(0)
    return float((probabilities[label] / (1 - probabilities[label])).log())
