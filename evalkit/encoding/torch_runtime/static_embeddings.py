"""Static embeddings, where a text's vector is the mean of its tokens' vectors, as models of padded tokens.

Imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers.base.modules import Router
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from evalkit.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class StaticTokenizer:
    """The tokenizer of a static embedding, with the attributes of a transformers tokenizer that evalkit reads.

    Attributes
    ----------
    backend_tokenizer
        The tokenizer, without the step that adds special tokens: static embeddings have none.
    truncation_side
        Side on which tokens are cut off.
    """

    backend_tokenizer: Tokenizer
    truncation_side: str
    model_input_names: tuple[str, ...] = ("input_ids", "attention_mask")
    all_special_ids: tuple[int, ...] = ()
    pad_token_id: int = 0
    padding_side: str = "right"

    def __len__(self) -> int:
        """Return the number of tokens in the vocabulary."""
        return int(self.backend_tokenizer.get_vocab_size())

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> StaticTokenizer:
        """Return the tokenizer of a static embedding."""
        content = json.loads(tokenizer.to_str())
        side = str((tokenizer.truncation or {}).get("direction", "right"))
        return cls(Tokenizer.from_str(json.dumps({**content, "post_processor": None})), side)


class PaddedStatic(torch.nn.Module):  # type: ignore[misc]
    """A static embedding that takes padded tokens and a mask, like the first module of other models.

    Parameters
    ----------
    module
        The module of sentence-transformers.
    dtype
        Number format of its table and of the computation.
    """

    def __init__(self, module: StaticEmbedding, dtype: torch.dtype) -> None:
        super().__init__()
        self.embedding = module.embedding.to(dtype)
        self.tokenizer = StaticTokenizer.of(module.tokenizer)
        self._library_tokenizer = module.tokenizer
        self._preprocess = module.preprocess

    @property
    def max_seq_length(self) -> int | None:
        """Tokens that are read of a text; None for all, as the library reads them."""
        truncation = self._library_tokenizer.truncation
        return None if truncation is None else int(truncation["max_length"])

    @max_seq_length.setter
    def max_seq_length(self, length: int) -> None:
        self._library_tokenizer.enable_truncation(length, direction=self.tokenizer.truncation_side)

    def get_embedding_dimension(self) -> int:
        """Return the dimension of the vectors."""
        return int(self.embedding.embedding_dim)

    def preprocess(
        self,
        inputs: Sequence[str],
        prompt: str | None = None,
        processing_kwargs: object = None,
        **_: object,
    ) -> dict[str, torch.Tensor]:
        """Return ``(n, t)`` padded ids and mask of the library's tokens; without truncation if options are given."""
        if processing_kwargs is None:
            read = self._preprocess(list(inputs), prompt=prompt)
            rows = list(torch.tensor_split(read["input_ids"], read["offsets"][1:]))
        else:
            whole = Tokenizer.from_str(self.tokenizer.backend_tokenizer.to_str())
            whole.no_truncation()
            texts = [(prompt or "") + text for text in inputs]
            rows = [torch.tensor(one.ids, dtype=torch.long) for one in whole.encode_batch(texts)]
        masks = [torch.ones_like(row) for row in rows]
        padded, mask = (torch.nn.utils.rnn.pad_sequence(part, batch_first=True) for part in (rows, masks))
        return {"input_ids": padded, "attention_mask": mask}

    def forward(self, features: dict[str, Any], **_: object) -> dict[str, Any]:
        """Return the features with ``(n, dimension)`` means of the tokens' vectors; zero for a text of no token."""
        ids, mask = features["input_ids"], features["attention_mask"]
        means = self._exportable(ids, mask) if torch.onnx.is_in_onnx_export() else self._means(ids, mask)
        return {**features, "sentence_embedding": means}

    def _means(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return means as the library computes them, which depend on no other text and on no padding."""
        ends = mask.sum(dim=1).cumsum(dim=0)
        starts = torch.nn.functional.pad(ends[:-1], (1, 0))
        return self.embedding(ids[mask.bool()], starts)

    def _exportable(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return means by operations that ONNX has for batches of any size."""
        kept = mask.unsqueeze(-1).to(self.embedding.weight.dtype)
        summed = (torch.nn.functional.embedding(ids, self.embedding.weight) * kept).sum(dim=1)
        return summed / kept.sum(dim=1).clamp(min=1)


def pad_static(modules: torch.nn.Sequential, dtype: torch.dtype, name: str) -> None:
    """Replace each static embedding among modules, and in the routes of a router, by one that takes padded tokens.

    Parameters
    ----------
    modules
        A sentence-transformers model, or a route.
    dtype
        Number format of the computation.
    name
        Folder or hub id, for messages.

    Raises
    ------
    InputError
        If the tokenizer has tokens without a vector.
    """
    for place, module in enumerate(modules):
        if isinstance(module, Router):
            for route in module.sub_modules.values():
                pad_static(route, dtype, name)
        if isinstance(module, StaticEmbedding):
            words = module.tokenizer.get_vocab_size()
            if words > module.num_embeddings:
                raise InputError(
                    f"the model {name!r} has vectors for {module.num_embeddings} tokens, and its tokenizer has {words}",
                    "use the tokenizer.json that the model was saved with",
                )
            modules[place] = PaddedStatic(module, dtype)
