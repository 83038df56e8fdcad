"""Models that torch runs, loaded by sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.encoding.card import Card
from evalkit.encoding.engine import Engine
from evalkit.encoding.library_runtime import unheard
from evalkit.encoding.model_settings import ModelSettings
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
"""Tokenizers without a limit of their own give an astronomical one."""


class TorchModel:
    """A model in memory, run by torch.

    Attributes
    ----------
    card
        What there is to know of it.
    own
        The sentence-transformers model.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self.own = _load(settings)
        self.card = _card_of(self.own, "document" if settings.kind == "late_interaction" else None)

    def engine(self, prompt: str | None = None, task: Task | None = None) -> Engine:
        """Return an engine that reads every input with a prompt, in a role; several share the model."""
        rules = self.card.rules if task is None else _rules_of(self.own, task)
        items = probes(rules.max_length, pairs=self._settings.kind == "cross_encoder")
        library = LibraryTokeniser(self.own, rules, prompt, **({} if task is None else {"task": task}))
        with unheard():
            told = library.features(items[:1])
            tokeniser = self.tokeniser(library, rules, prompt, items)
        features = {name: value for name, value in told.items() if not hasattr(value, "shape")}
        expansion = Expansion.of(told)
        network = TorchNetwork(
            self.own,
            OUTPUTS[self._settings.kind],
            features,
            self._settings.threads,
            task=task,
            expansion=expansion,
        )
        if expansion is not None:
            tokeniser.pads_left = expansion.on_left
        return Engine(tokeniser, network, self._settings.batch_tokens or network.batch_tokens)

    def tokeniser(
        self, library: LibraryTokeniser, rules: TokenRules, prompt: str | None, items: Sequence[Item]
    ) -> Tokeniser:
        """Return the fast tokeniser where it gives the library's very tokens, and the library's way where not."""
        backend = getattr(self.own.tokenizer, "backend_tokenizer", None)
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
    try:
        own = makers[settings.kind](
            settings.model,
            revision=settings.revision,
            device=settings.device,
            trust_remote_code=settings.trust_remote_code,
            model_kwargs={"dtype": types[settings.precision]},
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        reason = f"it lacks {reason}" if isinstance(error, KeyError) else reason
        raise InputError(
            f"the model {settings.model!r} cannot be loaded: {reason}", _hint(str(error))
        ) from None
    if settings.kind == "cross_encoder":
        _check_head(settings.model, own)
    if settings.kind == "late_interaction":
        check_trained(settings.model, settings.revision)
    if settings.max_length_tokens is not None:
        own.max_seq_length = settings.max_length_tokens
        own[0].document_length = settings.max_length_tokens  # what late interaction looks at first
    if settings.compile:
        own.compile(dynamic=True)
    return own.eval()


def _rules_of(own: Any, task: Task | None) -> TokenRules:
    limit = (None if task is None else length_of(own, task)) or own.max_seq_length
    return TokenRules.of(own.tokenizer, int(limit) if limit is not None and limit < _NO_LIMIT else None)


def _card_of(own: Any, task: Task | None) -> Card:
    names = getattr(getattr(own, "config", None), "id2label", None) or {}
    count = int(getattr(own, "num_labels", 0))
    return Card(
        _rules_of(own, task),
        {number: str(names.get(number, number)) for number in range(count)},
        dict(own.prompts),
        own.prompts.get(own.default_prompt_name or ""),
    )


def _hint(error: str) -> str:
    if "trust_remote_code" in error:
        return "read the code of its repository, and say trust_remote_code: true if you trust it"
    return "give a local folder or a hub id; private models need HF_TOKEN"


def _check_head(name: str, own: Any) -> None:
    """Refuse a model without a trained head: transformers would give it a random one, and scores to match.

    Raises
    ------
    InputError
        If the checkpoint is of no architecture that scores pairs.
    """
    architectures = getattr(own.config, "architectures", None) or []
    scoring = ("ForSequenceClassification", "ForCausalLM")
    if (
        architectures
        and not _scores_pairs(Path(name))
        and not any(one.endswith(scoring) for one in architectures)
    ):
        raise InputError(
            f"the model {name!r} ({', '.join(architectures)}) has no head that scores pairs:"
            " its scores would be random",
            "give a cross-encoder; a model that embeds texts is backend: bi_encoder",
        )


def _scores_pairs(folder: Path) -> bool:
    """Return whether a folder says that its modules make a score: those of an embedding model pool."""
    modules = folder / "modules.json"
    return modules.is_file() and "Pooling" not in modules.read_text(encoding="utf-8")
