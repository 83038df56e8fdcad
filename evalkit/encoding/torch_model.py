"""Models that run on torch, loaded by sentence-transformers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evalkit.encoding.engine import Engine
from evalkit.encoding.library_runtime import model_errors, suppress_warnings
from evalkit.encoding.model_files import read_model_files
from evalkit.encoding.model_settings import Card, ModelSettings
from evalkit.encoding.padding_side import padding_on_left
from evalkit.encoding.role_modules import distinguishes_roles, input_module
from evalkit.encoding.state import model_access
from evalkit.encoding.token_vectors import Expansion, length_of
from evalkit.encoding.tokenizer_check import use_tokenizer_file
from evalkit.encoding.tokens import (
    FastTokeniser,
    Item,
    LibraryTokeniser,
    Tokeniser,
    TokenRules,
    agree,
    probes,
    special_tokens,
)
from evalkit.encoding.torch_loading import load_library_model
from evalkit.encoding.torch_network import TorchNetwork
from evalkit.encoding.vector_rules import VectorRules
from evalkit.errors import EvalkitWarning

OUTPUTS = {
    "cross_encoder": "scores",
    "bi_encoder": "sentence_embedding",
    "late_interaction": "token_embeddings",
}
_NO_LIMIT = 1_000_000
"""Tokenizers without a length limit report a huge number instead."""


class TorchModel:
    """A model in memory that runs on torch.

    Attributes
    ----------
    card
        Its metadata.
    files
        What its files say.
    library_model
        The sentence-transformers model.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        with model_access(settings.model):
            with model_errors(settings.model):
                self.files = read_model_files(settings.model, settings.revision)
            self.library_model = load_library_model(settings, self.files)
        with model_errors(settings.model):
            remark = use_tokenizer_file(
                self.files,
                input_module(self.library_model, None).tokenizer,
                lowercase=bool(getattr(self.library_model[0], "do_lower_case", False)),
            )
            self.card = self._read_card(remark)
        self._pads_left: dict[str | None, bool | None] = {}

    def _read_card(self, remark: str | None) -> Card:
        vectors = None
        if self._settings.kind == "bi_encoder":
            items = probes(_rules_of(self.library_model, None).max_length, pairs=False)
            with suppress_warnings():
                by_role = distinguishes_roles(self.library_model, items, self._settings.model)
            vectors = VectorRules.of(self.files, by_role=by_role)
        split = self._settings.kind == "late_interaction" or (vectors is not None and vectors.by_role)
        return _card_of(self.library_model, "document" if split else None, vectors, remark)

    def engine(self, prompt: str | None = None, task: str | None = None) -> Engine:
        """Return an engine that puts a prompt before every input of a role; all engines share the model.

        Raises
        ------
        InputError
            If its tokenizer fails.
        """
        with model_errors(self._settings.model, "be used"):
            return self._engine(prompt, task)

    def _engine(self, prompt: str | None, task: str | None) -> Engine:
        rules = self.card.rules if task is None else _rules_of(self.library_model, task)
        special = special_tokens(input_module(self.library_model, task).tokenizer)
        items = probes(rules.max_length, special, pairs=self._settings.kind == "cross_encoder")
        library = LibraryTokeniser(
            self.library_model, rules, prompt, **({} if task is None else {"task": task})
        )
        with suppress_warnings():
            probe_features = library.features(items[:1])
            backend = getattr(input_module(self.library_model, task).tokenizer, "backend_tokenizer", None)
            tokeniser = _fastest(library, backend, rules, prompt, items)
        features = {name: value for name, value in probe_features.items() if not hasattr(value, "shape")}
        expansion = Expansion.of(probe_features)
        network = TorchNetwork(
            self._settings.model,
            self.library_model,
            OUTPUTS[self._settings.kind],
            features,
            self._settings.threads,
            task=task,
            expansion=expansion,
        )
        batch_tokens = self._settings.batch_tokens or network.batch_tokens
        if expansion is not None:
            tokeniser.pads_left = expansion.on_left
        elif batch_tokens > 1 and not self._set_padding(network, tokeniser, task):
            batch_tokens = 1
        return Engine(tokeniser, network, batch_tokens, model=self._settings.model)

    def _set_padding(self, network: TorchNetwork, tokeniser: Tokeniser, task: str | None) -> bool:
        """Set the side on which inputs of a role are padded, in the card too; return False if they cannot be."""
        name = self._settings.model
        if task not in self._pads_left:
            pairs = self._settings.kind == "cross_encoder"
            special = special_tokens(input_module(self.library_model, task).tokenizer)
            self._pads_left[task] = padding_on_left(name, network, tokeniser, special, pairs=pairs)
            if self._pads_left[task] is None:
                warnings.warn(
                    f"the model {name!r} takes one input at a time, which is slow; if its config.json has no"
                    " pad_token_id, set it",
                    EvalkitWarning,
                    stacklevel=5,
                )
        left = self._pads_left[task]
        if left is not None:
            tokeniser.pads_left = left
            self.card = replace(self.card, rules=replace(self.card.rules, pads_left=left))
        return left is not None


def _fastest(
    library: LibraryTokeniser, backend: Any, rules: TokenRules, prompt: str | None, items: Sequence[Item]
) -> Tokeniser:
    """Return the fast tokeniser if it returns the library's tokens for all probe items, else the library's."""
    if backend is None:
        return library
    fast = FastTokeniser(backend.to_str(), rules, prompt)
    return fast if agree(fast, library, items) else library


def _rules_of(library_model: Any, task: str | None) -> TokenRules:
    module = input_module(library_model, task)
    own = None if task is None else length_of(module, task)
    limit = own or getattr(module, "max_seq_length", None)
    return TokenRules.of(module.tokenizer, int(limit) if limit is not None and limit < _NO_LIMIT else None)


def _card_of(library_model: Any, task: str | None, vectors: VectorRules | None, remark: str | None) -> Card:
    names = getattr(getattr(library_model, "config", None), "id2label", None) or {}
    count = int(getattr(library_model, "num_labels", 0))
    return Card(
        _rules_of(library_model, task),
        {number: str(names.get(number, number)) for number in range(count)},
        dict(library_model.prompts),
        library_model.prompts.get(library_model.default_prompt_name or ""),
        remarks=() if remark is None else (remark,),
        vectors=vectors,
    )
