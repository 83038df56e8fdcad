"""Models that run on torch, loaded by sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.encoding.engine import Engine
from evalkit.encoding.library_runtime import model_errors, suppress_warnings
from evalkit.encoding.model_folder import check_model_folder
from evalkit.encoding.model_settings import Card, ModelSettings
from evalkit.encoding.state import model_access
from evalkit.encoding.token_vectors import Expansion, Task, check_trained, length_of
from evalkit.encoding.tokens import (
    FastTokeniser,
    Item,
    LibraryTokeniser,
    Tokeniser,
    TokenRules,
    agree,
    probes,
)
from evalkit.encoding.torch_network import TorchNetwork
from evalkit.errors import InputError, MissingExtraError

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
    library_model
        The sentence-transformers model.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        with model_access(settings.model):
            self.library_model = _load(settings)
        with model_errors(settings.model):
            task: Task | None = "document" if settings.kind == "late_interaction" else None
            self.card = _card_of(self.library_model, task)

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
        rules = self.card.rules if task is None else _rules_of(self.library_model, task)
        items = probes(rules.max_length, pairs=self._settings.kind == "cross_encoder")
        library = LibraryTokeniser(
            self.library_model, rules, prompt, **({} if task is None else {"task": task})
        )
        with suppress_warnings():
            probe_features = library.features(items[:1])
            tokeniser = self.tokeniser(library, rules, prompt, items)
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
        if expansion is not None:
            tokeniser.pads_left = expansion.on_left
        batch_tokens = self._settings.batch_tokens or network.batch_tokens
        return Engine(tokeniser, network, batch_tokens, model=self._settings.model)

    def tokeniser(
        self, library: LibraryTokeniser, rules: TokenRules, prompt: str | None, items: Sequence[Item]
    ) -> Tokeniser:
        """Return the fast tokeniser if it returns the library's tokens for all probe items, else the library's."""
        backend = getattr(self.library_model.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return library
        fast = FastTokeniser(backend.to_str(), rules, prompt)
        return fast if agree(fast, library, items) else library


def _load(settings: ModelSettings) -> Any:
    """Return the sentence-transformers model.

    Raises
    ------
    MissingExtraError
        If sentence-transformers is not installed.
    InputError
        If there is no such model, or it is of another kind.
    """
    try:
        import sentence_transformers
        import torch
    except ImportError:
        raise MissingExtraError(f"the {settings.kind} backend", "local") from None
    makers = {
        "cross_encoder": sentence_transformers.CrossEncoder,
        "bi_encoder": sentence_transformers.SentenceTransformer,
        "late_interaction": sentence_transformers.MultiVectorEncoder,
    }
    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if Path(settings.model).is_dir():
        check_model_folder(Path(settings.model))
    with model_errors(settings.model):
        library_model = makers[settings.kind](
            settings.model,
            revision=settings.revision,
            device=settings.device,
            trust_remote_code=settings.trust_remote_code,
            model_kwargs={"dtype": types[settings.precision]},
        )
        _check_words(settings.model, library_model.tokenizer)
    if settings.kind == "cross_encoder":
        _check_head(settings.model, library_model)
    if settings.kind == "late_interaction":
        with model_errors(settings.model):
            check_trained(settings.model, settings.revision)
    if settings.max_length_tokens is not None:
        library_model.max_seq_length = settings.max_length_tokens
        library_model[0].document_length = settings.max_length_tokens  # takes precedence in late interaction
    if settings.compile:
        library_model.compile(dynamic=True)
    return library_model.eval()


def _rules_of(library_model: Any, task: Task | None) -> TokenRules:
    limit = (None if task is None else length_of(library_model, task)) or library_model.max_seq_length
    return TokenRules.of(
        library_model.tokenizer, int(limit) if limit is not None and limit < _NO_LIMIT else None
    )


def _card_of(library_model: Any, task: Task | None) -> Card:
    names = getattr(getattr(library_model, "config", None), "id2label", None) or {}
    count = int(getattr(library_model, "num_labels", 0))
    return Card(
        _rules_of(library_model, task),
        {number: str(names.get(number, number)) for number in range(count)},
        dict(library_model.prompts),
        library_model.prompts.get(library_model.default_prompt_name or ""),
    )


def _check_words(name: str, tokenizer: Any) -> None:
    """Check that a tokenizer has words: where its files are missing, transformers makes one without any.

    Raises
    ------
    InputError
        If it has special tokens only.
    """
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise InputError(
            f"the tokenizer of the model {name!r} knows no words: its files are missing",
            "add the model's tokenizer.json and tokenizer_config.json",
        )


def _check_head(name: str, library_model: Any) -> None:
    """Check that a model has a trained head: transformers would add a random one, and scores would be random.

    Raises
    ------
    InputError
        If the checkpoint's architecture does not score pairs.
    """
    architectures = getattr(library_model.config, "architectures", None) or []
    scoring = ("ForSequenceClassification", "ForCausalLM")
    if (
        architectures
        and not _scores_pairs(Path(name))
        and not any(one.endswith(scoring) for one in architectures)
    ):
        raise InputError(
            f"the model {name!r} ({', '.join(architectures)}) has no head that scores pairs:"
            " its scores would be random",
            "use a cross-encoder, or backend: bi_encoder for an embedding model",
        )


def _scores_pairs(folder: Path) -> bool:
    """Return whether the modules of a local folder score pairs: those of an embedding model pool tokens."""
    modules = folder / "modules.json"
    return modules.is_file() and "Pooling" not in modules.read_text(encoding="utf-8")
