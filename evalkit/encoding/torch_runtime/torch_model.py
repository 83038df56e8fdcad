"""Models that run on torch, loaded by sentence-transformers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalkit.encoding.checkpoints.model_files import ModelFiles, files_of_route, read_model_files
from evalkit.encoding.checkpoints.rotary_limit import limit_rotary
from evalkit.encoding.checkpoints.tokenizer_check import use_tokenizer_file
from evalkit.encoding.embeddings.token_vectors import Expansion
from evalkit.encoding.engine import Engine
from evalkit.encoding.input_forms import LayerHead, PairScoring, find_scoring, plain_pair_remark
from evalkit.encoding.library_runtime import model_errors, suppress_warnings
from evalkit.encoding.model_settings import ModelSettings
from evalkit.encoding.state import model_access
from evalkit.encoding.tokens import LibraryTokeniser, Tokeniser, probes, special_tokens
from evalkit.encoding.torch_runtime.padding_side import ROUNDING, Padding, find_padding
from evalkit.encoding.torch_runtime.role_modules import Route, input_module, routes
from evalkit.encoding.torch_runtime.shared_prefix import keeps_every_token, scores_agree
from evalkit.encoding.torch_runtime.torch_card import embedded_special, read_card, rules_of
from evalkit.encoding.torch_runtime.torch_loading import load_library_model
from evalkit.encoding.torch_runtime.torch_network import TorchNetwork
from evalkit.encoding.torch_runtime.torch_tokenisers import fastest_tokeniser, form_tokeniser
from evalkit.errors import EvalkitWarning, InputError

OUTPUTS = {
    "cross_encoder": "scores",
    "bi_encoder": "sentence_embedding",
    "late_interaction": "token_embeddings",
}


class TorchModel:
    """A model in memory that runs on torch.

    Parameters
    ----------
    settings
        Which model, and how it is run.
    scoring
        How a cross-encoder scores a pair; None to find it by the settings and the files.

    Attributes
    ----------
    card
        Its metadata.
    files
        What its files say.
    library_model
        The sentence-transformers model.
    """

    def __init__(self, settings: ModelSettings, scoring: PairScoring | None = None) -> None:
        self._settings = settings
        self._reads_pairs = settings.kind == "cross_encoder"
        with model_access(settings.model), model_errors(settings.model):
            self.files = read_model_files(settings.model, settings.revision)
            if scoring is None and self._reads_pairs:
                scoring = find_scoring(self.files, settings.prompt)
            _check_layer(settings, scoring)
            self.library_model = load_library_model(settings, self.files, scoring)
        with model_errors(settings.model):
            ways = routes(self.library_model)
            rotary = [
                limit_rotary(settings.model, way.module, way.network, settings.max_length_tokens)
                for way in ways
            ]
            self._fault = next((rule.fault for rule in rotary if rule.fault is not None), None)
            remarks = (
                *dict.fromkeys(_used_tokenizer_file(self.files, way) for way in ways),
                plain_pair_remark(self.files) if self._reads_pairs and scoring is None else None,
                *dict.fromkeys(rule.remark for rule in rotary),
            )
            form = None if scoring is None else scoring.form
            self.card = read_card(self.library_model, self.files, settings.kind, form, remarks)
        self._paddings: dict[str | None, Padding] = {}
        self._shares: bool | None = None

    def engine(self, prompt: str | None = None, task: str | None = None) -> Engine:
        """Return an engine that puts a prompt before every input of a role; all engines share the model.

        Raises
        ------
        InputError
            If its tokenizer fails.
        """
        with model_errors(self._settings.model, "be used"):
            return self._engine(prompt, task)

    def engine_of(self, tokeniser: Tokeniser) -> Engine:
        """Return an engine with a tokeniser of its own; see `engine`."""
        with model_errors(self._settings.model, "be used"):
            return self._engine_of(tokeniser, {}, None)

    def _engine(self, prompt: str | None, task: str | None) -> Engine:
        tokenizer = input_module(self.library_model, task).tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if self.card.form is not None:
            form = self.card.form.with_instruction(prompt)
            tokeniser = form_tokeniser(self._settings.model, backend, self.card.rules, form)
            return self._engine_of(tokeniser, {}, task)
        rules = self.card.rules if task is None else rules_of(self.library_model, task)
        items = probes(rules.max_length, special_tokens(tokenizer), pairs=self._reads_pairs)
        more = {} if task is None else {"task": task}
        library = LibraryTokeniser(self.library_model, rules, prompt, **more)
        with suppress_warnings():
            probe_features = library.features(items[:1])
            chosen = fastest_tokeniser(library, backend, rules, prompt, items)
        features = {name: value for name, value in probe_features.items() if not hasattr(value, "shape")}
        return self._engine_of(chosen, features, task, Expansion.of(probe_features))

    def _engine_of(
        self,
        tokeniser: Tokeniser,
        features: Mapping[str, Any],
        task: str | None,
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
        if batch_tokens > 1 and not self._set_padding(network, tokeniser, task, movable=expansion is None):
            batch_tokens = 1
        shares = batch_tokens > 1 and self._shares_prefixes(network, tokeniser)
        return Engine(
            tokeniser,
            network,
            batch_tokens,
            model=self._settings.model,
            prefixes=network if shares else None,
        )

    def _shares_prefixes(self, network: TorchNetwork, tokeniser: Tokeniser) -> bool:
        """Return whether the model scores the same where tokens that inputs begin with are read once."""
        if self._shares is None:
            settings = self._settings
            self._shares = (
                self._reads_pairs
                and not settings.compile  # every length of a prefix would be compiled
                and keeps_every_token(self.library_model)
                and scores_agree(network, tokeniser, ROUNDING[settings.precision])
            )
        return self._shares

    @property
    def takes_one_input(self) -> bool:
        """Whether an engine was made that runs one input at a time, as outputs would depend on the batch."""
        return any(padding.fault is not None for padding in self._paddings.values())

    def _set_padding(
        self, network: TorchNetwork, tokeniser: Tokeniser, task: str | None, *, movable: bool
    ) -> bool:
        """Set the side on which inputs of a role are padded, in the card too; return False if they cannot be."""
        if task not in self._paddings:
            found = self._found_padding(network, tokeniser, task, movable=movable)
            if found.fault is not None and not self.takes_one_input:
                warnings.warn(
                    f"the model {self._settings.model!r} takes one input at a time, which is slow: {found.fault}",
                    EvalkitWarning,
                    stacklevel=5,
                )
            self._paddings[task] = found
        padding = self._paddings[task]
        if padding.fault is None:
            tokeniser.pads_left = padding.left
            self.card = replace(self.card, rules=replace(self.card.rules, pads_left=padding.left))
        return padding.fault is None

    def _found_padding(
        self, network: TorchNetwork, tokeniser: Tokeniser, task: str | None, *, movable: bool
    ) -> Padding:
        if self._fault is not None:
            return Padding(tokeniser.pads_left, self._fault)
        special = embedded_special(self.library_model, task)
        return find_padding(
            network,
            tokeniser,
            special,
            pairs=self._reads_pairs,
            precision=self._settings.precision,
            movable=movable,
        )


def _used_tokenizer_file(files: ModelFiles, route: Route) -> str | None:
    """Have the tokenizer of a route follow its own tokenizer.json; return a warning if the two differ."""
    lowercase = bool(getattr(route.module, "do_lower_case", False))
    return use_tokenizer_file(
        files_of_route(files, route.name), getattr(route.module, "tokenizer", None), lowercase=lowercase
    )


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
