"""Score pairs by the first token that a sequence-to-sequence model would write.

Source: Nogueira et al., 2020, "Document Ranking with a Pretrained Sequence-to-Sequence Model": the encoder reads query
and document in a template, and one step of the decoder gives the logits of ``true`` and ``false``. Zhuang et al., 2023,
"RankT5": the logit of a single unused token is the score itself.
"""

from __future__ import annotations

from typing import Any

import torch

from evalkit.encoding.torch_runtime.answer_logits import keep_logits
from evalkit.errors import InputError


class FirstStep(torch.nn.Module):  # type: ignore[misc]
    """Returns the log odds of two tokens at the first step of the decoder, or the logit of a single one.

    Parameters
    ----------
    model
        A sequence-to-sequence model of transformers.
    tokenizer
        Its tokenizer.
    true_id, false_id
        The tokens; `false_id` is None for the raw logit of `true_id`.
    max_seq_length
        Maximum tokens of an input.

    Raises
    ------
    InputError
        If its configuration names no token that the decoder starts with.
    """

    def __init__(
        self, model: Any, tokenizer: Any, true_id: int, false_id: int | None, max_seq_length: int | None
    ) -> None:
        super().__init__()
        self.model, self.tokenizer, self.max_seq_length = model, tokenizer, max_seq_length
        self._true, self._false = true_id, false_id
        self._start = _start_of(model.config)

    def score_answers_alone(self) -> None:
        """Compute no other logits than those of the two tokens."""
        tokens = [self._true, *([] if self._false is None else [self._false])]
        if keep_logits(self.model, tokens):
            self._true, self._false = 0, 1 if len(tokens) > 1 else None

    @property
    def auto_model(self) -> Any:
        """The model of transformers, under the name that modules of sentence-transformers have for it."""
        return self.model

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Return the features with ``scores``, a ``(b, 1)`` tensor."""
        ids = features["input_ids"]
        outputs = self.model(
            input_ids=ids,
            attention_mask=features["attention_mask"],
            decoder_input_ids=torch.zeros_like(ids[:, :1]) + self._start,
            use_cache=False,
        )
        logits = outputs.logits[:, 0]
        scores = logits[:, self._true]
        if self._false is not None:
            scores = scores - logits[:, self._false]
        return {**features, "scores": scores.unsqueeze(1)}


def _start_of(config: Any) -> int:
    start = getattr(config, "decoder_start_token_id", None)
    if start is None:
        start = getattr(config, "pad_token_id", None)
    if start is None:
        raise InputError(
            "the model's config.json has neither decoder_start_token_id nor pad_token_id: its decoder has no first"
            " token",
            "add the decoder_start_token_id with which the model was trained",
        )
    return int(start)
