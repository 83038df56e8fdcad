"""Models that run on torch, loaded by sentence-transformers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evalkit.encoding.engine import Engine
from evalkit.encoding.input_forms import (
    FormTokeniser,
    InputForm,
    LayerHead,
    PairScoring,
    find_scoring,
    plain_pair_remark,
)
from evalkit.encoding.library_runtime import model_errors, suppress_warnings
from evalkit.encoding.model_files import read_model_files
from evalkit.encoding.model_settings import Card, ModelSettings
from evalkit.encoding.padding_side import padding_on_left
from evalkit.encoding.state import model_access
from evalkit.encoding.token_vectors import Expansion, Task, length_of
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
from evalkit.errors import EvalkitWarning, InputError

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
                is_pair = settings.kind == "cross_encoder"
                scoring = find_scoring(self.files, settings.prompt) if is_pair else None
            _check_layer(settings, scoring)
            self.library_model = load_library_model(settings, self.files, scoring)
        with model_errors(settings.model):
            remark = use_tokenizer_file(
                self.files,
                self.library_model.tokenizer,
                lowercase=bool(getattr(self.library_model[0], "do_lower_case", False)),
            )
            task: Task | None = "document" if settings.kind == "late_interaction" else None
            form = None if scoring is None else scoring.form
            remarks = (remark, plain_pair_remark(self.files) if is_pair and scoring is None else None)
            self.card = _card_of(self.library_model, task, form, remarks)
        self._pads_left: dict[Task | None, bool | None] = {}

    def engine(self, prompt: str | None = None, task: Task | None = None) -> Engine:
        """Return an engine that puts a prompt before every input of a role; all engines share the model.

        Raises
        ------
        InputError
            If its tokenizer fails.
        """
        with model_errors(self._settings.model, "be used"):
            return self._engine(prompt, task)

    def _engine(self, prompt: str | None, task: Task | None) -> Engine:
        if self.card.form is not None:
            return self._engine_of(self._form_tokeniser(self.card.form, prompt), {}, None)
        rules = self.card.rules if task is None else _rules_of(self.library_model, task)
        special = special_tokens(self.library_model.tokenizer)
        items = probes(rules.max_length, special, pairs=self._settings.kind == "cross_encoder")
        library = LibraryTokeniser(
            self.library_model, rules, prompt, **({} if task is None else {"task": task})
        )
        with suppress_warnings():
            probe_features = library.features(items[:1])
            tokeniser = self.tokeniser(library, rules, prompt, items)
        if prompt and self._settings.kind == "cross_encoder":
            self._check_prompt(library, rules, items[:1])
        features = {name: value for name, value in probe_features.items() if not hasattr(value, "shape")}
        return self._engine_of(tokeniser, features, task, Expansion.of(probe_features))

    def _engine_of(
        self,
        tokeniser: Tokeniser,
        features: Mapping[str, Any],
        task: Task | None,
        expansion: Expansion | None = None,
    ) -> Engine:
        """Return an engine, padded on the side on which batches do not change outputs."""
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
        return Engine(tokeniser, network, batch_tokens)

    def _set_padding(self, network: TorchNetwork, tokeniser: Tokeniser, task: Task | None) -> bool:
        """Set the side on which inputs of a role are padded, in the card too; return False if they cannot be."""
        name = self._settings.model
        if task not in self._pads_left:
            pairs = self._settings.kind == "cross_encoder"
            special = _embedded_special(self.library_model)
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

    def _check_prompt(self, library: LibraryTokeniser, rules: TokenRules, items: Sequence[Item]) -> None:
        """Check that an instruction reaches the input: chat templates leave out what they have no place for."""
        plain = LibraryTokeniser(self.library_model, rules, None)
        if np.array_equal(library(items).ids[0], plain(items).ids[0]):
            raise InputError(
                f"the model {self._settings.model!r} has no place for an instruction in its template",
                "remove instruction",
            )

    def _form_tokeniser(self, form: InputForm, instruction: str | None) -> Tokeniser:
        """Return the tokeniser that puts pairs into an input form."""
        backend = getattr(self.library_model.tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise InputError(
                f"the tokenizer of the model {self._settings.model!r} is written in Python, and the input form"
                f" {form.name} needs one with a tokenizer.json",
                "convert its tokenizer with transformers, and add the tokenizer.json to the model",
            )
        return FormTokeniser(backend.to_str(), self.card.rules, form.with_instruction(instruction))

    def tokeniser(
        self, library: LibraryTokeniser, rules: TokenRules, prompt: str | None, items: Sequence[Item]
    ) -> Tokeniser:
        """Return the fast tokeniser if it returns the library's tokens for all probe items, else the library's."""
        backend = getattr(self.library_model.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return library
        fast = FastTokeniser(backend.to_str(), rules, prompt)
        return fast if agree(fast, library, items) else library


def _check_layer(settings: ModelSettings, scoring: PairScoring | None) -> None:
    """Check that a layer is configured for layerwise models only.

    Raises
    ------
    InputError
        If the model has no heads at its layers.
    """
    if settings.cutoff_layer is not None and not (scoring and isinstance(scoring.head, LayerHead)):
        raise InputError(
            f"the model {settings.model!r} is no layerwise reranker, so cutoff_layer does not apply",
            "remove cutoff_layer",
        )


def _embedded_special(library_model: Any) -> list[str]:
    """Return the special tokens that the network has embeddings for: tokenizer classes add some that it has not."""
    tokenizer = library_model.tokenizer
    config: Any = getattr(library_model, "config", None)
    config = config.get_text_config() if hasattr(config, "get_text_config") else config
    rows = getattr(config, "vocab_size", None)
    special = special_tokens(tokenizer)
    if rows is None:
        return special
    return [token for token in special if tokenizer.convert_tokens_to_ids(token) < rows]


def _rules_of(library_model: Any, task: Task | None) -> TokenRules:
    limit = (None if task is None else length_of(library_model, task)) or library_model.max_seq_length
    return TokenRules.of(
        library_model.tokenizer, int(limit) if limit is not None and limit < _NO_LIMIT else None
    )


def _card_of(
    library_model: Any, task: Task | None, form: InputForm | None, remarks: Sequence[str | None]
) -> Card:
    names = getattr(getattr(library_model, "config", None), "id2label", None) or {}
    count = int(getattr(library_model, "num_labels", 0))
    if len(names) != count:  # the scores are not those of the network's own head, but of a later module
        names = {}
    return Card(
        _rules_of(library_model, task),
        {number: str(names.get(number, number)) for number in range(count)},
        dict(library_model.prompts),
        None if form else library_model.prompts.get(library_model.default_prompt_name or ""),
        form,
        tuple(remark for remark in remarks if remark is not None),
    )
