"""Build a causal model that scores pairs from the modules of sentence-transformers; needs the local extra."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder.modules import LogitScore, Transformer
from transformers import AutoConfig, AutoTokenizer

from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.level_head import LevelHead

_LOGITS = "causal_logits"


class _LastPosition(Transformer):  # type: ignore[misc]  # the library has no types here
    """A causal model that computes the logits of the last position alone, which is never padding.

    Positions are counted from the first token that is no padding, as for a single input.
    """

    def forward(self, features: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Return the features with the logits: ``(b, 1, vocabulary)``."""
        added: dict[str, Any] = {"logits_to_keep": 1}
        if "position_ids" not in features:  # those after a prefix that was read before are
            added["position_ids"] = (features["attention_mask"].cumsum(-1) - 1).clamp(min=0)
        taken = {name: value for name, value in added.items() if name in self._declared_forward_params}
        return dict(super().forward({**features, **taken}, **more))


def count_positions(library_model: Any) -> None:
    """Let a causal model that sentence-transformers made count positions as for a single input; changed in place.

    Padding on the left would otherwise count, which changes absolute positions, and the last digits of relative ones.
    """
    reads_token = any(isinstance(module, LogitScore) for module in library_model)
    transformer = library_model[0]
    if reads_token and type(transformer) is Transformer and not hasattr(transformer.config, "vision_config"):
        transformer.__class__ = _LastPosition


class LevelScores(torch.nn.Module):  # type: ignore[misc]
    """Returns the log-probabilities of some tokens as the next one, among all tokens of the vocabulary.

    Parameters
    ----------
    tokens
        Ids of the tokens.
    """

    def __init__(self, tokens: list[int]) -> None:
        super().__init__()
        self._tokens = tokens

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return the features with ``scores``, a ``(b, tokens)`` tensor."""
        logits = features[_LOGITS][:, -1].float()
        return {**features, "scores": logits.log_softmax(-1)[:, self._tokens]}


def answer_model(
    name: str, head: TokenHead | LevelHead, device: str | None, dtype: Any, **source: Any
) -> Any:
    """Return a cross-encoder of sentence-transformers whose score is what `head` reads.

    Parameters
    ----------
    name
        Folder or hub id.
    head
        The tokens that are read.
    device, dtype
        Device and data type of torch; see `LocalModel`.
    source
        Revision, and whether code of the repository may run.

    Raises
    ------
    InputError
        If the tokenizer does not know the tokens; nothing large is loaded before.
    """
    config = AutoConfig.from_pretrained(name, **source)
    rows = int(config.get_text_config().vocab_size)
    tokenizer = AutoTokenizer.from_pretrained(name, **source)
    reader: Any
    if isinstance(head, LevelHead):
        reader = LevelScores(head.ids(name, tokenizer, rows))
    else:
        reader = LogitScore(*head.ids(name, tokenizer, rows), module_input_name=_LOGITS)
    transformer = _LastPosition(
        name,
        transformer_task="text-generation",
        model_kwargs={"dtype": dtype, **source},
        processor_kwargs=dict(source),
        config_kwargs=dict(source),
        modality_config={"text": {"method": "forward", "method_output_name": "logits"}},
        module_output_name=_LOGITS,
    )
    return CrossEncoder(modules=[transformer, reader], device=device, activation_fn=torch.nn.Identity())
